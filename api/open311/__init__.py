"""Open311 GeoReport v2: cases as service requests, for the applications of other cities and citizens."""
