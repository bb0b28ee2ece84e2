"""Writers of foreign formats, so that sources can be tested where no tracker is installed."""
