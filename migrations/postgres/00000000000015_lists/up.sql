-- Lists that must not take longer as cases grow many: of a whole division or the province, of ended cases, behind a number.
CREATE INDEX cases_due ON cases (next_due, case_id) WHERE is_open;
CREATE INDEX cases_open ON cases (case_id) WHERE is_open;
CREATE INDEX cases_ended ON cases (office, state, next_due, case_id) WHERE NOT is_open;
CREATE INDEX cases_state ON cases (state, next_due, case_id) WHERE NOT is_open;
CREATE INDEX cases_office_received ON cases (office, received_on, case_id);
CREATE INDEX cases_office_closed ON cases (office, closed_on, case_id) WHERE closed_on IS NOT NULL;
CREATE INDEX cases_station_received ON cases (station, received_on, case_id) WHERE station <> '';
-- All that the figures say of open cases, so that none of their rows is read for it.
CREATE INDEX cases_counted ON cases (division, received_on, kind, next_due, decision_due, facts, sector, department, office,
    station, channel) WHERE is_open;
