-- Work that one node does at a time. The number grows with every holder: what an earlier one still writes is refused by it.
CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    fence INTEGER NOT NULL,
    held_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO leases (name, fence, held_until) VALUES ('rounds', 0, 0);
