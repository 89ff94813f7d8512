"""One wording of dtypes, shapes, sizes, signatures, plans, reports and hints, for every face."""
