"""What `labtop doctor` looks at: one module a section, each a function that gives lines and never fails."""
