//! How the engines go about the lists: along an index, in its order, never over all cases nor through all of a unit's to sort
//! them. Each list is made for real, the statement that went to the engine is caught, and the engine asked how it would do it.

use crate::domain::case::CaseId;
use crate::domain::division::Division;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::Kind;
use crate::store::counters::Cohort;
use crate::store::db::{Db, Target};
use crate::store::dialect;
use crate::store::engine::StoreError;
use crate::store::queue::{self, After, Behind, Dimensions, Filter, Sort};
use crate::store::testing::stores;
use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel::prelude::*;
use diesel::sql_types::Text;
use jiff::civil::date;
use std::sync::{Arc, Mutex};

#[derive(QueryableByName)]
struct SqliteStep {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct PostgresStep {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    detail: String,
}

/// Statements that went to the engine, as it got them.
#[derive(Clone, Default)]
struct Caught(Arc<Mutex<Vec<String>>>);

impl Instrumentation for Caught {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let text = query.to_string();
            let text = text.split(" -- binds").next().unwrap_or_default().to_owned();
            self.0.lock().unwrap().push(text);
        }
    }
}

/// How the engine does what `work` asks it for: a line for each step of the statements that list cases.
fn plan(db: &mut Db, work: &dyn Fn(&mut Db) -> Result<(), StoreError>) -> Result<Vec<String>, StoreError> {
    let caught = Caught::default();
    match db {
        Db::Pg(c) => c.set_instrumentation(caught.clone()),
        Db::Sqlite(c) => c.set_instrumentation(caught.clone()),
    }
    work(db)?;
    let statements: Vec<String> = std::mem::take(&mut *caught.0.lock().unwrap());
    let lists: Vec<&String> = statements.iter().filter(|text| text.contains("ORDER BY")).collect();
    assert!(!lists.is_empty(), "no list among {statements:?}");
    let mut steps = Vec::new();
    for sql in lists {
        match db {
            Db::Sqlite(c) => {
                let found = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load::<SqliteStep>(c)?;
                steps.extend(found.into_iter().map(|step| step.detail));
            }
            Db::Pg(_) => {
                // As it plans a statement that it keeps, on tables so small that only what is forbidden shows what is possible.
                let values = (1..).take_while(|number| sql.contains(&format!("${number}"))).map(|_| "NULL");
                let values = values.collect::<Vec<_>>().join(", ");
                let prepare = format!(
                    "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_sort = off; \
                     SET enable_bitmapscan = off; SET enable_incremental_sort = off; PREPARE listed AS {sql}"
                );
                dialect::execute(db, &prepare)?;
                let Db::Pg(c) = db else { continue };
                let explain = diesel::sql_query(format!("EXPLAIN (COSTS OFF) EXECUTE listed({values})"));
                steps.extend(explain.load::<PostgresStep>(c)?.into_iter().map(|step| step.detail));
                dialect::execute(db, "DEALLOCATE listed")?;
            }
        }
    }
    Ok(steps)
}

/// What of a plan grows with the number of cases.
fn faults(list: &List, sqlite: bool, steps: &[String]) -> Vec<String> {
    let grows = |step: &&String| {
        step.contains("TEMP B-TREE")
            || step.contains("Sort Key")
            || step.contains("Seq Scan on cases")
            || (step.starts_with("SCAN cases") && !step.contains("USING INDEX"))
    };
    let mut faults: Vec<String> = steps.iter().filter(grows).cloned().collect();
    // SQLite says so by the kind of condition alone; PostgreSQL weighs how values are spread, which an empty table doesn't tell.
    let by_office = |step: &String| step.contains("USING INDEX") && step.contains("office=?");
    if list.of_office && sqlite && !steps.iter().any(by_office) {
        faults.push("an office's cases are not found by the office".to_owned());
    }
    faults
}

type Make = Box<dyn Fn(&mut Db) -> Result<(), StoreError> + Send>;

/// A list that is asked for.
struct List {
    name: String,
    /// Of one office.
    of_office: bool,
    make: Make,
}

impl List {
    fn new(name: String, make: impl Fn(&mut Db) -> Result<(), StoreError> + Send + 'static) -> Self {
        Self { of_office: name.contains("office"), name, make: Box::new(make) }
    }
}

/// Every kind of list that is asked for while cases grow many.
fn lists() -> Vec<List> {
    let subtree = |code: &str| Scope::Subtree { division: Division::parse(code).unwrap(), department: None };
    let scopes = [
        ("office", Scope::Office("amr-320115".to_owned())),
        ("station", Scope::Station("st-1".to_owned())),
        ("county", subtree("320115")),
        ("city", subtree("320100")),
        ("province", subtree("320000")),
    ];
    let id = CaseId(uuid::Uuid::from_u128(7));
    let day = date(2026, 5, 6);
    let mut lists: Vec<List> = Vec::new();
    for (name, scope) in scopes {
        let filters = [
            ("all", Filter::default()),
            ("in a state", Filter { states: vec!["accepted".to_owned(), "mediating".to_owned()], ..Filter::default() }),
            ("overdue", Filter { overdue_on: Some(day), sector: Some("courier".to_owned()), ..Filter::default() }),
        ];
        for (which, filter) in filters {
            for after in [None, Some(After { day, id })] {
                let (scope, filter) = (scope.clone(), filter.clone());
                let list = move |db: &mut Db| queue::page(db, &scope, &filter, Sort::Due, after, 26).map(drop);
                lists.push(List::new(format!("queue of a {name}, {which}, {}", after.is_some()), list));
            }
        }
    }
    // Ended cases: an office's own, and everyone's in their order.
    for (name, scope) in [("office", Scope::Office("amr-320115".to_owned())), ("province", subtree("320000"))] {
        let filter = Filter { states: vec!["settled".to_owned(), "refused".to_owned()], ..Filter::default() };
        let list = move |db: &mut Db| queue::page(db, &scope, &filter, Sort::Due, None, 26).map(drop);
        lists.push(List::new(format!("ended cases of a {name}"), list));
    }
    for sort in [Sort::Received, Sort::Newest] {
        let scope = subtree("320000");
        let list = move |db: &mut Db| queue::page(db, &scope, &Filter::default(), sort, None, 26).map(drop);
        lists.push(List::new(format!("queue of the province, {sort:?}"), list));
    }
    let narrow = [
        ("province", Dimensions::default()),
        ("city", Dimensions { division: Some((320_100, 320_200)), ..Dimensions::default() }),
        ("office", Dimensions { office: Some("amr-320115".to_owned()), ..Dimensions::default() }),
    ];
    for (name, dimensions) in narrow {
        for cohort in [Cohort::Received, Cohort::Closed] {
            for after in [None, Some(After { day, id })] {
                let what = Behind {
                    cohort,
                    from: date(2026, 1, 1),
                    to: date(2026, 12, 31),
                    kind: Some(Kind::Complaint),
                    having: 3,
                    lacking: 4,
                    or_overdue_on: None,
                    open: None,
                    recovered: false,
                    dimensions: dimensions.clone(),
                };
                let list = move |db: &mut Db| queue::behind(db, &Scope::System, &what, after, 26).map(drop);
                lists.push(List::new(format!("behind a number of the {name}, {cohort:?}, {}", after.is_some()), list));
            }
        }
    }
    lists
}

#[tokio::test]
async fn every_list_goes_along_an_index_and_a_missing_one_is_noticed() {
    for opened in stores() {
        let sqlite = matches!(opened.store.target(), Target::Sqlite(_));
        let engine = if sqlite { "SQLite" } else { "PostgreSQL" };
        for list in lists() {
            let (name, found, steps) = opened
                .store
                .read(move |db| {
                    let steps = plan(db, list.make.as_ref())?;
                    Ok((list.name.clone(), faults(&list, sqlite, &steps), steps))
                })
                .await
                .unwrap();
            assert!(found.is_empty(), "{engine}: {name}: {found:#?} in {steps:#?}");
        }
        // Each index that was made for a list carries one: without it the lists are no longer all right.
        let of_offices = ["cases_ended", "cases_office_received", "cases_office_closed"];
        for index in ["cases_due", "cases_state"].iter().chain(of_offices.iter().filter(|_| sqlite)) {
            let drop = format!("DROP INDEX {index}");
            let noticed = opened
                .store
                .write(move |tx| {
                    dialect::execute(tx.db(), &format!("SAVEPOINT probe; {drop}"))?;
                    let mut noticed = 0;
                    for list in lists() {
                        noticed += faults(&list, sqlite, &plan(tx.db(), list.make.as_ref())?).len();
                    }
                    dialect::execute(tx.db(), "ROLLBACK TO probe; RELEASE probe")?;
                    Ok(noticed)
                })
                .await
                .unwrap();
            assert!(noticed > 0, "{engine}: nothing needs {index}");
        }
    }
}
