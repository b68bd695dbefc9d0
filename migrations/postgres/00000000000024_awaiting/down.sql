CREATE INDEX cases_awaiting ON cases (decision_due) WHERE decision_due IS NOT NULL;
