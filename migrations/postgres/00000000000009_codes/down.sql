DROP TABLE codes;
DROP TABLE tries;
