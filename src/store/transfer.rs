//! Copies everything from the embedded engine to PostgreSQL, and compares it row by row.
//!
//! Which tables and columns there are is asked of the target, whose types say how each value is written: no list could forget
//! a table. A row travels as a line of text, its canonical form, which both engines write alike; so what was copied is compared by
//! comparing lines. A value is its digits, a day its ISO form, an instant its microseconds, everything else its bytes in
//! hexadecimal; `~` is none, `|` stands between values.
//!
//! How far a copy has come stands in the target (`engine_copy`), written with the rows: one that was cut off goes on
//! where it stood, and no service starts on it. The full-text index is not copied, as each engine has its own: it is made anew.

use crate::domain::case::CaseId;
use crate::store::db::{self, Db, Target, Timeouts};
use crate::store::dialect;
use crate::store::engine::StoreError;
use crate::store::filing::{EventRow, PartyRow};
use crate::store::migrate;
use crate::store::schema::{cases, events, parties};
use crate::store::types::Key;
use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};

/// Rows that are copied, or compared, at once.
const CHUNK: usize = 2000;

/// The full-text index, which each engine has its own of.
const SEARCH: &str = "case_search";

/// Why a copy can't be made.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The copy goes from SQLite to PostgreSQL only.
    #[error("it is copied from SQLite to PostgreSQL, and not otherwise")]
    Engines,
    /// The target holds something that isn't an unfinished copy of the same source.
    #[error("{0}")]
    NotEmpty(String),
    /// The two schemas aren't alike.
    #[error("{0}")]
    Schema(String),
    /// A row isn't what it is in the source. What was copied of its table was taken away.
    #[error("{table}: {what}; its copy was taken away: run the command again")]
    Differs {
        /// Which table.
        table: String,
        /// Which row, and how.
        what: String,
    },
    /// The engines'.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<diesel::result::Error> for TransferError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

/// A column, as the target has it.
#[derive(QueryableByName, Debug)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    sort: String,
    /// Its place in the primary key.
    #[diesel(sql_type = Nullable<diesel::sql_types::Integer>)]
    key: Option<i32>,
}

impl Column {
    /// Its canonical form, as SQLite writes it.
    fn here(&self) -> Result<String, TransferError> {
        let name = &self.name;
        let text = match self.sort.as_str() {
            "uuid" | "bytea" => format!("lower(hex({name}))"),
            "text" => format!("lower(hex(CAST({name} AS BLOB)))"),
            "date" | "smallint" | "integer" | "bigint" | "boolean" | "timestamp with time zone" => {
                format!("CAST({name} AS TEXT)")
            }
            "double precision" => format!("printf('%!.17g', {name})"),
            other => return Err(self.unknown(other)),
        };
        Ok(format!("CASE WHEN {name} IS NULL THEN '~' ELSE {text} END"))
    }

    /// Its canonical form, as PostgreSQL writes it.
    fn there(&self) -> Result<String, TransferError> {
        let name = &self.name;
        let text = match self.sort.as_str() {
            "uuid" => format!("replace({name}::text, '-', '')"),
            "bytea" => format!("encode({name}, 'hex')"),
            "text" => format!("encode(convert_to({name}, 'UTF8'), 'hex')"),
            "date" => format!("to_char({name}, 'YYYY-MM-DD')"),
            "boolean" => format!("{name}::int::text"),
            "timestamp with time zone" => format!("(extract(epoch FROM {name}) * 1000000)::bigint::text"),
            "smallint" | "integer" | "bigint" | "double precision" => format!("{name}::text"),
            other => return Err(self.unknown(other)),
        };
        Ok(format!("coalesce({text}, '~')"))
    }

    /// Its value out of a place of a line that was taken apart.
    fn value(&self, place: usize) -> Result<String, TransferError> {
        let text = format!("nullif(v[{place}], '~')");
        Ok(match self.sort.as_str() {
            "bytea" => format!("decode({text}, 'hex')"),
            "text" => format!("convert_from(decode({text}, 'hex'), 'UTF8')"),
            "boolean" => format!("{text}::int::boolean"),
            "timestamp with time zone" => {
                format!("'1970-01-01 00:00:00+00'::timestamptz + {text}::bigint * interval '1 microsecond'")
            }
            "uuid" | "date" | "smallint" | "integer" | "bigint" | "double precision" => {
                format!("{text}::{}", self.sort)
            }
            other => return Err(self.unknown(other)),
        })
    }

    fn unknown(&self, sort: &str) -> TransferError {
        TransferError::Schema(format!("{}.{}: no way to copy a {sort}", self.table_name, self.name))
    }
}

/// A table with its columns in the order of the target.
#[derive(Debug)]
pub struct Table {
    name: String,
    columns: Vec<Column>,
}

impl Table {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The columns of its primary key, in their order, with what PostgreSQL is told so that text sorts by its bytes.
    fn order(&self, there: bool) -> String {
        let mut key: Vec<&Column> = self.columns.iter().filter(|column| column.key.is_some()).collect();
        key.sort_by_key(|column| column.key);
        let by = |column: &&Column| match column.sort.as_str() {
            "text" if there => format!("{} COLLATE \"C\"", column.name),
            _ => column.name.clone(),
        };
        key.iter().map(by).collect::<Vec<_>>().join(", ")
    }

    /// Its rows as lines from a place on, in the order of its key, as SQLite writes them.
    fn lines_here(&self) -> Result<String, TransferError> {
        let line: Vec<String> = self.columns.iter().map(Column::here).collect::<Result<_, _>>()?;
        let (line, name, order) = (line.join(" || '|' || "), &self.name, self.order(false));
        Ok(format!("SELECT {line} AS line FROM {name} ORDER BY {order} LIMIT -1 OFFSET ?"))
    }

    /// The same, as PostgreSQL writes them.
    fn lines_there(&self) -> Result<String, TransferError> {
        let line: Vec<String> = self.columns.iter().map(Column::there).collect::<Result<_, _>>()?;
        Ok(format!("SELECT {} AS line FROM {} ORDER BY {}", line.join(" || '|' || "), self.name, self.order(true)))
    }

    /// Puts lines in.
    fn insert(&self) -> Result<String, TransferError> {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let values: Vec<String> =
            self.columns.iter().zip(1..).map(|(column, place)| column.value(place)).collect::<Result<_, _>>()?;
        Ok(format!(
            "INSERT INTO {} ({}) SELECT {} FROM (SELECT string_to_array(line, '|') AS v FROM unnest($1) AS line) AS lines",
            self.name,
            names.join(", "),
            values.join(", ")
        ))
    }

    /// Whether two lines say the same. Numbers with a fraction are written unlike, so they are read.
    fn same(&self, here: &str, there: &str) -> bool {
        if here == there {
            return true;
        }
        let (here, there): (Vec<&str>, Vec<&str>) = (here.split('|').collect(), there.split('|').collect());
        here.len() == self.columns.len()
            && there.len() == here.len()
            && self.columns.iter().zip(here.iter().zip(&there)).all(|(column, (one, other))| {
                let number = |text: &str| text.parse::<f64>().ok().map(f64::to_bits);
                one == other
                    || column.sort == "double precision" && number(one).is_some() && number(one) == number(other)
            })
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct There {
    #[diesel(sql_type = Bool)]
    there: bool,
}

fn unfinished(c: &mut PgConnection) -> Result<bool, StoreError> {
    let found: There = diesel::sql_query("SELECT to_regclass('engine_copy') IS NOT NULL AS there").get_result(c)?;
    Ok(found.there)
}

/// Refuses a database that is an unfinished copy.
pub(super) fn refuse_unfinished(db: &mut Db) -> Result<(), StoreError> {
    let Db::Pg(c) = db else { return Ok(()) };
    if unfinished(c)? {
        return Err(StoreError::Unavailable(
            "it is an unfinished copy of another installation: run `fangxin migrate-engine` again to finish it"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Marks an empty database as a copy of a file.
fn mark(c: &mut PgConnection, path: &str) -> Result<(), TransferError> {
    let some = "SELECT EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::text::regnamespace \
                AND relkind IN ('r', 'p')) AS there";
    if diesel::sql_query(some).get_result::<There>(c)?.there {
        return Err(TransferError::NotEmpty("the target is not empty: there are tables in it".to_owned()));
    }
    c.transaction(|c| {
        diesel::sql_query(
            "CREATE TABLE engine_copy (table_name text PRIMARY KEY, source text NOT NULL, copied bigint NOT NULL)",
        )
        .execute(c)?;
        diesel::sql_query("INSERT INTO engine_copy VALUES ('', $1, 0)").bind::<Text, _>(path).execute(c)
    })?;
    Ok(())
}

/// A copy that is being made.
pub struct Transfer {
    from: SqliteConnection,
    to: PgConnection,
    tables: Vec<Table>,
}

impl std::fmt::Debug for Transfer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transfer").field("tables", &self.tables.len()).finish_non_exhaustive()
    }
}

impl Transfer {
    /// Begins a copy, or takes one up again. Nobody writes to either meanwhile: the caller sees to the source.
    ///
    /// # Errors
    /// When the target holds anything but an unfinished copy of the same file, or either can't be opened.
    pub fn begin(from: &Target, to: &Target) -> Result<Self, TransferError> {
        let opened = |target: &Target| {
            db::open(target, &Timeouts::PATIENT).map_err(|error| StoreError::Unavailable(error.to_string()))
        };
        let (Target::Sqlite(path), Target::Postgres(_)) = (from, to) else { return Err(TransferError::Engines) };
        let (mut source, Db::Pg(mut target)) = (opened(from)?, opened(to)?) else { return Err(TransferError::Engines) };
        let path = path.to_string_lossy().into_owned();
        if unfinished(&mut target)? {
            let source: Line = diesel::sql_query("SELECT source AS line FROM engine_copy WHERE table_name = ''")
                .get_result(&mut target)?;
            if source.line != path {
                return Err(TransferError::NotEmpty(format!("the target is an unfinished copy of {}", source.line)));
            }
        } else {
            mark(&mut target, &path)?;
        }
        migrate::run(&mut source)?;
        let mut target = Db::Pg(target);
        migrate::run(&mut target)?;
        let (Db::Sqlite(from), Db::Pg(to)) = (source, target) else { return Err(TransferError::Engines) };
        let mut transfer = Self { from, to, tables: Vec::new() };
        transfer.tables = transfer.known_tables()?;
        Ok(transfer)
    }

    /// Every table of the target but the full-text index, with columns that the source has too.
    fn known_tables(&mut self) -> Result<Vec<Table>, TransferError> {
        let columns: Vec<Column> = diesel::sql_query(format!(
            "SELECT c.relname::text AS table_name, a.attname::text AS name, format_type(a.atttypid, NULL) AS sort, \
             array_position(i.indkey::int2[], a.attnum) AS key \
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary \
             WHERE c.relnamespace = current_schema()::text::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition \
             AND c.relname NOT IN ('__diesel_schema_migrations', 'engine_copy', '{SEARCH}') ORDER BY c.relname, a.attnum"
        ))
        .load(&mut self.to)?;
        let mut tables: Vec<Table> = Vec::new();
        for column in columns {
            if tables.last().is_none_or(|table| table.name != column.table_name) {
                tables.push(Table { name: column.table_name.clone(), columns: Vec::new() });
            }
            if let Some(table) = tables.last_mut() {
                table.columns.push(column);
            }
        }
        self.compare_schemas(&tables)?;
        Ok(tables)
    }

    fn compare_schemas(&mut self, tables: &[Table]) -> Result<(), TransferError> {
        let here: Vec<Line> = diesel::sql_query(
            "SELECT m.name || '.' || c.name AS line FROM sqlite_schema m, pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND m.name <> '__diesel_schema_migrations' \
             AND m.name NOT LIKE 'case\\_search%' ESCAPE '\\' AND NOT (m.name = 'cases' AND c.name = 'row')",
        )
        .load(&mut self.from)?;
        let here: std::collections::BTreeSet<String> = here.into_iter().map(|line| line.line).collect();
        let there = tables.iter().flat_map(|table| &table.columns);
        let there = there.map(|column| format!("{}.{}", column.table_name, column.name)).collect();
        let odd: Vec<&str> = here.symmetric_difference(&there).map(String::as_str).collect();
        if odd.is_empty() {
            return Ok(());
        }
        Err(TransferError::Schema(format!("only one of both engines has: {}", odd.join(", "))))
    }

    /// The tables that are copied.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// Rows of the source.
    ///
    /// # Errors
    /// The engine's.
    pub fn rows(&mut self) -> Result<u64, TransferError> {
        let mut all = 0;
        for table in &self.tables {
            let count: Count = diesel::sql_query(format!("SELECT count(*) AS count FROM {}", table.name))
                .get_result(&mut self.from)?;
            all += u64::try_from(count.count).unwrap_or(0);
        }
        Ok(all)
    }

    /// Copies what isn't copied yet of a table; `tell` hears how many rows came over or were there.
    ///
    /// # Errors
    /// The engines'. What was told of stays.
    pub fn copy(&mut self, place: usize, mut tell: impl FnMut(u64)) -> Result<(), TransferError> {
        let Some(table) = self.tables.get(place) else { return Ok(()) };
        let copied: Option<Count> = diesel::sql_query("SELECT copied AS count FROM engine_copy WHERE table_name = $1")
            .bind::<Text, _>(&table.name)
            .get_result(&mut self.to)
            .optional()?;
        if copied.is_none() {
            // The migrations put a row or two into some.
            diesel::sql_query(format!("TRUNCATE {}", table.name)).execute(&mut self.to)?;
        }
        let mut done = copied.map_or(0, |copied| copied.count);
        tell(u64::try_from(done).unwrap_or(0));
        let insert = table.insert()?;
        let lines = diesel::sql_query(table.lines_here()?).bind::<BigInt, _>(done);
        // Fused: one that is asked again after its end begins anew.
        let mut lines = lines.load_iter::<Line, DefaultLoadingMode>(&mut self.from)?.fuse();
        loop {
            let chunk: Vec<String> =
                lines.by_ref().take(CHUNK).map(|line| line.map(|line| line.line)).collect::<Result<_, _>>()?;
            if chunk.is_empty() {
                return Ok(());
            }
            done += i64::try_from(chunk.len()).unwrap_or(0);
            self.to.transaction(|c| {
                diesel::sql_query(&insert).bind::<Array<Text>, _>(&chunk).execute(c)?;
                diesel::sql_query(
                    "INSERT INTO engine_copy VALUES ($1, '', $2) \
                     ON CONFLICT (table_name) DO UPDATE SET copied = excluded.copied",
                )
                .bind::<Text, _>(&table.name)
                .bind::<BigInt, _>(done)
                .execute(c)
            })?;
            tell(u64::try_from(done).unwrap_or(0));
        }
    }

    /// Compares every row of a table; gives how many there are. When one differs, the table's copy is taken away, so that it
    /// is copied anew.
    ///
    /// # Errors
    /// [`TransferError::Differs`], and the engines'.
    pub fn compare(&mut self, place: usize, mut tell: impl FnMut(u64)) -> Result<u64, TransferError> {
        let Some(table) = self.tables.get(place) else { return Ok(0) };
        let lines = diesel::sql_query(table.lines_here()?).bind::<BigInt, _>(0);
        let mut lines = lines.load_iter::<Line, DefaultLoadingMode>(&mut self.from)?.fuse();
        let cursor = format!("DECLARE lines NO SCROLL CURSOR FOR {}", table.lines_there()?);
        let found = self.to.transaction::<_, TransferError, _>(|c| {
            diesel::sql_query(cursor).execute(c)?;
            let mut rows = 0;
            loop {
                let page: Vec<Line> = diesel::sql_query(format!("FETCH {CHUNK} FROM lines")).load(c)?;
                let ended = page.len() < CHUNK;
                for there in page {
                    let here = lines.next().transpose()?;
                    match here {
                        Some(here) if table.same(&here.line, &there.line) => rows += 1,
                        Some(_) => return Ok(Err(format!("row {} in the order of its key differs", rows + 1))),
                        None => return Ok(Err(format!("more than its {rows} rows were copied"))),
                    }
                }
                tell(rows);
                if ended {
                    let more = lines.next().transpose()?.is_some();
                    return Ok(if more { Err(format!("only {rows} rows were copied")) } else { Ok(rows) });
                }
            }
        })?;
        match found {
            Ok(rows) => Ok(rows),
            Err(what) => {
                let name = table.name.clone();
                self.to.transaction(|c| {
                    diesel::sql_query(format!("TRUNCATE {name}")).execute(c)?;
                    diesel::sql_query("DELETE FROM engine_copy WHERE table_name = $1").bind::<Text, _>(&name).execute(c)
                })?;
                Err(TransferError::Differs { table: name, what })
            }
        }
    }

    /// Puts cases of the copy into its full-text index that aren't there yet; `tokens` makes what a case is found by of its
    /// data key, narrative and parties, or nothing when it was erased.
    ///
    /// # Errors
    /// The engine's, and those of `tokens`.
    pub fn index(
        &mut self,
        tokens: impl Fn(CaseId, &[u8], &[u8], &[PartyRow]) -> Result<Option<String>, StoreError>,
        mut tell: impl FnMut(u64),
    ) -> Result<u64, TransferError> {
        let (mut after, mut indexed) = (None::<Key>, 0);
        let indexed_already = "SELECT case_id FROM case_search";
        loop {
            let not_yet = diesel::dsl::sql::<Bool>(&format!("NOT (case_id IN ({indexed_already}))"));
            let mut query = cases::table.filter(not_yet).into_boxed();
            if let Some(after) = after {
                query = query.filter(cases::case_id.gt(after));
            }
            let page: Vec<(Key, Vec<u8>, Vec<u8>)> = query
                .order(cases::case_id)
                .limit(CHUNK as i64)
                .select((cases::case_id, cases::data_key, cases::narrative))
                .load(&mut self.to)?;
            let Some(last) = page.last() else { return Ok(indexed) };
            after = Some(last.0);
            let keys: Vec<Key> = page.iter().map(|(key, ..)| *key).collect();
            let rows: Vec<PartyRow> = parties::table
                .filter(parties::case_id.eq_any(keys))
                .order((parties::case_id, parties::party_no))
                .select(PartyRow::as_select())
                .load(&mut self.to)?;
            let mut entries = Vec::with_capacity(page.len());
            for (key, data_key, narrative) in &page {
                let from = rows.partition_point(|row| row.case_id < *key);
                let own = &rows[from..from + rows[from..].partition_point(|row| row.case_id == *key)];
                if let Some(tokens) = tokens(CaseId(key.0), data_key, narrative, own)? {
                    entries.push((*key, tokens));
                }
            }
            let entries: Vec<(Key, &str)> = entries.iter().map(|(key, tokens)| (*key, tokens.as_str())).collect();
            self.to.transaction::<_, StoreError, _>(|c| dialect::index_there(c, &entries))?;
            indexed += entries.len() as u64;
            tell(indexed);
        }
    }

    /// Shows `check` the history of each case of the copy, with the last hash that its case holds; gives how many there are.
    ///
    /// # Errors
    /// The engine's, or the first case whose history isn't whole.
    pub fn histories(
        &mut self,
        whole: impl Fn(&[EventRow], &[u8]) -> bool,
        mut tell: impl FnMut(u64),
    ) -> Result<u64, TransferError> {
        let (mut after, mut seen) = (None::<Key>, 0);
        loop {
            let mut query = cases::table.into_boxed();
            if let Some(after) = after {
                query = query.filter(cases::case_id.gt(after));
            }
            let page: Vec<(Key, Vec<u8>, String)> = query
                .order(cases::case_id)
                .limit(CHUNK as i64)
                .select((cases::case_id, cases::last_hash, cases::reference))
                .load(&mut self.to)?;
            let (Some(first), Some(last)) = (page.first(), page.last()) else { return Ok(seen) };
            after = Some(last.0);
            let rows: Vec<EventRow> = events::table
                .filter(events::case_id.between(first.0, last.0))
                .order((events::case_id, events::seq))
                .select(EventRow::as_select())
                .load(&mut self.to)?;
            for (key, last_hash, reference) in &page {
                let from = rows.partition_point(|row| row.case_id < *key);
                let own = &rows[from..from + rows[from..].partition_point(|row| row.case_id == *key)];
                if !whole(own, last_hash) {
                    return Err(TransferError::Schema(format!("the history of {reference} isn't whole")));
                }
            }
            seen += page.len() as u64;
            tell(seen);
        }
    }

    /// Ends the copy: from now on a service may start on it.
    ///
    /// # Errors
    /// The engine's.
    pub fn finish(mut self) -> Result<(), TransferError> {
        let tables: Vec<String> =
            self.tables.iter().map(|table| table.name.clone()).chain([SEARCH.to_owned()]).collect();
        for table in tables {
            // So that the first questions are planned by what there is.
            diesel::sql_query(format!("ANALYZE {table}")).execute(&mut self.to)?;
        }
        diesel::sql_query("DROP TABLE engine_copy").execute(&mut self.to)?;
        Ok(())
    }
}
