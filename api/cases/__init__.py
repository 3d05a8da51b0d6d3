"""Cases: the closed loop from report to appraisal, its clocks and its figures."""
