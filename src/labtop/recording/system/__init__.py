"""How the machine does while a run lives: processor, memory, disk, network, graphics processors, energy."""
