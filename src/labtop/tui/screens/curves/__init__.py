"""The Curves screen: `screen` draws, `cursor` reads values off, `choice` is what is in sight, `looks` is how."""
