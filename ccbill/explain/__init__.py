"""Why a patient's work earns what it earns: the batch's own answers, kept for one patient."""
