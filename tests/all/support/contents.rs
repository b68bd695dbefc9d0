//! What lies in a database, read past the service: every table, every column, every value.

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{Nullable, Text};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A database that is looked into. The server may run meanwhile.
pub(crate) enum Contents {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    line: Option<String>,
}

/// Tables of the engine's own making that hold no column of ours: the shadow tables of the full-text index.
const SHADOWS: &[&str] = &["case_search_data", "case_search_idx", "case_search_docsize", "case_search_config"];

impl Contents {
    /// A file of SQLite.
    pub(crate) fn of_file(path: &Path) -> Self {
        let connection = SqliteConnection::establish(&path.to_string_lossy());
        Self::Sqlite(connection.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    /// A database of PostgreSQL.
    pub(crate) fn of_url(url: &str) -> Self {
        Self::Postgres(PgConnection::establish(url).expect("the database"))
    }

    /// Runs statements.
    pub(crate) fn run(&mut self, statements: &str) {
        let end = match self {
            Self::Sqlite(connection) => connection.batch_execute(statements),
            Self::Postgres(connection) => connection.batch_execute(statements),
        };
        end.unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// The one column `line` of a query.
    pub(crate) fn lines(&mut self, sql: &str) -> Vec<String> {
        let query = sql_query(sql);
        let lines: Result<Vec<Line>, _> = match self {
            Self::Sqlite(connection) => query.load(connection),
            Self::Postgres(connection) => query.load(connection),
        };
        let lines = lines.unwrap_or_else(|error| panic!("{sql}: {error}"));
        lines.into_iter().filter_map(|line| line.line).collect()
    }

    /// Every column by its table. Partitions count as their table.
    pub(crate) fn columns(&mut self) -> BTreeMap<String, BTreeSet<String>> {
        let sql = match self {
            Self::Sqlite(_) => {
                "SELECT m.name || '.' || c.name AS line FROM sqlite_schema m, pragma_table_info(m.name) c \
                 WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
            }
            Self::Postgres(_) => {
                "SELECT c.relname || '.' || a.attname AS line FROM pg_attribute a \
                 JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition \
                 AND a.attnum > 0 AND NOT a.attisdropped"
            }
        };
        let mut columns: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in self.lines(sql) {
            let (table, column) = line.split_once('.').expect("table.column");
            if !SHADOWS.contains(&table) {
                columns.entry(table.to_owned()).or_default().insert(column.to_owned());
            }
        }
        columns
    }

    /// Every row of a table, each as one text, in the order of those texts.
    pub(crate) fn rows(&mut self, table: &str) -> Vec<String> {
        let row = match self {
            Self::Sqlite(_) => {
                let columns = self.lines(&format!("SELECT name AS line FROM pragma_table_info('{table}')"));
                let quoted: Vec<String> = columns.iter().map(|name| format!("quote(\"{name}\")")).collect();
                quoted.join(" || ' ' || ")
            }
            Self::Postgres(_) => "t::text".to_owned(),
        };
        self.lines(&format!("SELECT {row} AS line FROM \"{table}\" t ORDER BY 1"))
    }

    /// Every value of a column that isn't null, as bytes: text in UTF-8, numbers as digits.
    pub(crate) fn values(&mut self, table: &str, column: &str) -> Vec<Vec<u8>> {
        let sql = match self {
            Self::Sqlite(_) => format!("SELECT hex(CAST(\"{column}\" AS BLOB)) AS line FROM \"{table}\""),
            Self::Postgres(_) => {
                let kind = self.lines(&format!(
                    "SELECT data_type AS line FROM information_schema.columns \
                     WHERE table_schema = 'public' AND table_name = '{table}' AND column_name = '{column}'"
                ));
                let bytes = match kind.first().map(String::as_str) {
                    Some("bytea") => format!("\"{column}\""),
                    _ => format!("convert_to(\"{column}\"::text, 'UTF8')"),
                };
                format!("SELECT encode({bytes}, 'hex') AS line FROM \"{table}\"")
            }
        };
        self.lines(&sql).iter().map(|hex| unhex(hex)).collect()
    }

    /// Every word of the full-text index.
    pub(crate) fn search_words(&mut self) -> BTreeSet<String> {
        let sql = match self {
            Self::Sqlite(connection) => {
                let vocabulary =
                    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.words USING fts5vocab(main, case_search, row)";
                sql_query(vocabulary).execute(connection).expect("a list of the index's words");
                "SELECT term AS line FROM temp.words"
            }
            Self::Postgres(_) => "SELECT DISTINCT unnest(tsvector_to_array(tokens)) AS line FROM case_search",
        };
        self.lines(sql).into_iter().collect()
    }
}

fn unhex(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).expect("a digit");
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
