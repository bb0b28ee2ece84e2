"""The grid, the chart and the small parts the screens are made of."""
