"""Files of other programs as plain values. Pure readers: bytes in, values out, every length checked."""
