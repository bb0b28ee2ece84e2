"""One module a tracker whose logs labtop opens in place; none knows another."""
