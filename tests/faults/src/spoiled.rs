//! Services with a mistake, for the test of the checker. The services themselves know of none: the process of the
//! orchestrator is put in the place of its own with its answers spoiled, intake has a door before its own that loses what
//! was written. What a database can be made to do wrong is in `spoiled/*.sql`; what only the engine can do wrong, where it
//! meets the world, is planted there (`chassis::crash::bug`).

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{Response, StatusCode};
use axum::middleware::{Next, from_fn};
use chassis::{Building, Context, Service};
use orchestrator::claim_process::leg::reservation::Progress::{Held, HeldPartly};
use orchestrator::claim_process::{
    Command, Event, Fact, Job, Leg, Process, Progress, RunState, Stage, Step, step_within,
};
use prost::Message;
use proto::intake::SubmitClaimRequest;

/// Before a message there are a flag and its length.
const HEAD: usize = 5;
/// A settlement that is instructed twice has another name the second time: so much higher.
const SECOND: u16 = 500;

/// The service, with the mistake if it is the one to make it.
pub fn service(service: &'static Service, bug: Option<&str>) -> &'static Service {
    let build: for<'a> fn(&'a Context) -> Building<'a> = match (service.name, bug) {
        ("intake", Some("lose_order_text")) => lose_order_text,
        ("orchestrator", Some("forget_release")) => |ctx| orchestrator::build_on(ctx, forget_release),
        ("orchestrator", Some("event_after_end")) => |ctx| orchestrator::build_on(ctx, event_after_end),
        ("orchestrator", Some("refund_twice")) => |ctx| orchestrator::build_on(ctx, refund_twice),
        ("orchestrator", Some("double_escalate")) => |ctx| orchestrator::build_on(ctx, double_escalate),
        _ => return service,
    };
    let Service { name, migrations, grants, own, long, .. } = service;
    Box::leak(Box::new(Service { name, migrations, grants, own: *own, long, build }))
}

/// A reservation of a claim that is withdrawn counts as given back.
fn forget_release(process: &Process, event: &Event, full: bool) -> Step {
    let mut process = process.clone();
    if let (Event::Withdrawn, Stage::Executing { lines, .. }) = (event, &mut process.stage) {
        for run in lines.iter_mut().flat_map(|line| &mut line.runs) {
            let held = matches!(run.state, RunState::Asked | RunState::Working(Progress::Stock(HeldPartly | Held)));
            if run.leg == Leg::Reservation && held {
                run.state = RunState::Undone;
            }
        }
    }
    step_within(&process, event, full)
}

/// Something is told of a claim that has ended.
fn event_after_end(process: &Process, event: &Event, full: bool) -> Step {
    telling_more(step_within(process, event, full), |command, process| match command {
        Command::Announce(Fact::Ended { .. }) => {
            Some(Command::Announce(Fact::FollowUpStarted { round: process.round }))
        }
        _ => None,
    })
}

/// What a clock says is told twice.
fn double_escalate(process: &Process, event: &Event, full: bool) -> Step {
    telling_more(step_within(process, event, full), |command, _| {
        matches!(command, Command::Announce(Fact::ClockMoved)).then(|| command.clone())
    })
}

/// The same money under another name; whoever confirms that is believed.
fn refund_twice(process: &Process, event: &Event, full: bool) -> Step {
    if matches!(event, Event::Work { job, .. } if job.leg == Leg::Settlement && job.attempt > SECOND) {
        return Step::Stay;
    }
    telling_more(step_within(process, event, full), |command, _| match command {
        Command::Settle { job, grant, quantity } => {
            let job = Job { attempt: job.attempt + SECOND, ..*job };
            Some(Command::Settle { job, grant: *grant, quantity: *quantity })
        }
        _ => None,
    })
}

/// After each command another one, if there is one.
fn telling_more(step: Step, more: impl Fn(&Command, &Process) -> Option<Command>) -> Step {
    let Step::Go(process, commands) = step else { return step };
    let commands = commands.into_iter().flat_map(|command| {
        let more = more(&command, &process);
        [command].into_iter().chain(more)
    });
    let commands = commands.collect();
    Step::Go(process, commands)
}

/// Intake behind a door that loses the descriptions of lines.
fn lose_order_text(ctx: &Context) -> Building<'_> {
    Box::pin(async move {
        let routes = (intake::SERVICE.build)(ctx).await?;
        Ok(routes.into_axum_router().layer(from_fn(lose)).into())
    })
}

async fn lose(request: Request, next: Next) -> Response<Body> {
    if !request.uri().path().ends_with("IntakeService/SubmitClaim") {
        return next.run(request).await;
    }
    let (mut head, body) = request.into_parts();
    let Ok(frame) = to_bytes(body, proto::REQUEST_BYTES_MAX + HEAD).await else {
        return Response::builder().status(StatusCode::BAD_REQUEST).body(Body::empty()).unwrap_or_default();
    };
    head.headers.remove(CONTENT_LENGTH);
    next.run(Request::from_parts(head, Body::from(without_descriptions(&frame).unwrap_or_else(|| frame.to_vec()))))
        .await
}

/// The frame of a report without its descriptions; `None`: it cannot be read.
fn without_descriptions(frame: &[u8]) -> Option<Vec<u8>> {
    let (head, message) = frame.split_at_checked(HEAD)?;
    let mut report = SubmitClaimRequest::decode(message).ok().filter(|_| head[0] == 0)?;
    report.lines.iter_mut().for_each(|line| line.description.clear());
    let message = report.encode_to_vec();
    let length = u32::try_from(message.len()).ok()?;
    Some([&[0], length.to_be_bytes().as_slice(), &message].concat())
}
