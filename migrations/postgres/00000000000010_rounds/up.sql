-- Work that one node does at a time. The number grows with every holder: what an earlier one still writes is refused by it.
CREATE TABLE leases (
    name text NOT NULL PRIMARY KEY,
    fence bigint NOT NULL,
    held_until timestamptz NOT NULL
);
INSERT INTO leases (name, fence, held_until) VALUES ('rounds', 0, 'epoch');
