"""Compare what a result gives with what its sources give, and reach a verdict."""
