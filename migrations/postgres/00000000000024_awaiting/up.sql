-- Nothing looks for cases by the day of their decision alone any more: figures of open cases have an index of their own.
DROP INDEX cases_awaiting;
