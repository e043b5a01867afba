//! The databases of a rehearsal: a table says that they are, and how far its time has come. Nothing else makes that table, so
//! services with the real clock refuse to serve there, and those with a moved one serve nowhere else.

use anyhow::{Result, bail, ensure};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{Connection, Executor, PgConnection};

const MAKE: &str = "\
    CREATE TABLE rehearsal ( \
        one boolean PRIMARY KEY DEFAULT true CHECK (one), \
        reached timestamptz NOT NULL \
    ); \
    CREATE FUNCTION rehearsal_goes_forward() RETURNS trigger LANGUAGE plpgsql AS $$ \
    BEGIN \
        IF TG_OP = 'UPDATE' AND NEW.reached >= OLD.reached THEN RETURN NEW; END IF; \
        RAISE EXCEPTION 'the time of a rehearsal never goes back'; \
    END $$; \
    CREATE TRIGGER rehearsal_forward BEFORE UPDATE OR DELETE ON rehearsal \
        FOR EACH ROW EXECUTE FUNCTION rehearsal_goes_forward()";
const BEGIN: &str = "INSERT INTO rehearsal (reached) VALUES ($1)";
const IS_THERE: &str = "SELECT to_regclass('public.rehearsal') IS NOT NULL";
/// Services write times on between two moves.
const REACHED: &str = "SELECT greatest((SELECT reached FROM rehearsal), (SELECT max(at) FROM journal))";
const REACH: &str = "UPDATE rehearsal SET reached = greatest(reached, $1)";

/// Makes a new database one of a rehearsal, or goes on with one that is.
pub(super) async fn begin(owner: &str, from: Timestamp, is_new: bool) -> Result<()> {
    let mut database = PgConnection::connect(owner).await?;
    if is_new {
        database.execute(MAKE).await?;
        sqlx::query(BEGIN).bind(from.to_sqlx()).execute(&mut database).await?;
    } else {
        let is_there: bool = sqlx::query_scalar(IS_THERE).fetch_one(&mut database).await?;
        ensure!(
            is_there,
            "NOT_A_REHEARSAL: these data were not made for a rehearsal, and a clock that is moved would write wrong times into them"
        );
        let reached: jiff_sqlx::Timestamp = sqlx::query_scalar(REACHED).fetch_one(&mut database).await?;
        let reached = reached.to_jiff();
        if from < reached {
            bail!("CLOCK_BACKWARDS: this rehearsal has come to {reached}, and {from} is over: time never goes back");
        }
    }
    database.close().await?;
    Ok(())
}

/// Keeps how far the time has come.
pub(super) async fn reach(owner: &str, to: Timestamp) -> Result<()> {
    let mut database = PgConnection::connect(owner).await?;
    sqlx::query(REACH).bind(to.to_sqlx()).execute(&mut database).await?;
    Ok(database.close().await?)
}
