use super::*;

#[test]
fn patterns_match_by_token() {
    for (pattern, subject, fits) in [
        ("event.intake.*", "event.intake.claim_submitted", true),
        ("event.intake.*", "event.intake", false),
        ("event.intake.*", "event.intake.a.b", false),
        ("event.intake.*", "event.triage.assessed", false),
        ("$JS.ACK.S.c.>", "$JS.ACK.S.c.1.2", true),
        ("$JS.ACK.S.c.>", "$JS.ACK.S.c", false),
        (">", "anything.at.all", true),
    ] {
        assert_eq!(matches(pattern, subject), fits, "{pattern} {subject}");
    }
}

#[test]
fn every_service_publishes_its_own_and_nothing_else() {
    for row in SERVICES {
        let event = Subject::Event { service: row.service.to_owned(), name: "x".to_owned() };
        assert_eq!(may_publish(row.service, &event), row.service != "orchestrator");
        let batch = event.batch().unwrap();
        assert_eq!(may_publish(row.service, &batch), row.service != "orchestrator");
        for other in SERVICES.iter().filter(|other| other.service != row.service) {
            assert!(!may_publish(other.service, &event), "{} as {}", other.service, row.service);
            assert!(!may_publish(other.service, &batch), "{} as {}", other.service, row.service);
        }
    }
}

/// Each service tells whom it has to tell, and nobody else.
#[test]
fn sr28_a_notice_is_told_by_the_service_that_knows() {
    for (audience, name, by) in [
        ("finance", "settlement_instructed", &["orchestrator"][..]),
        ("customer", "claim_received", &["intake", "orchestrator"]),
        ("privacy", "customer_erased", &["intake"]),
        ("specialist", "possible_duplicate", &["intake"]),
        ("specialist", "work_waiting", &["triage", "escalation"]),
        ("management", "clock_breached", &["escalation"]),
        ("carrier", "bring", &["logistics"]),
        ("warehouse", "parcel_back", &["logistics"]),
        ("logistics", "shipment_exception", &["logistics"]),
        ("finance", "anything", &[]),
        ("specialist", "anything", &[]),
    ] {
        let notice = Subject::Notice { audience: audience.to_owned(), name: name.to_owned() };
        let may: Vec<&str> =
            SERVICES.iter().map(|row| row.service).filter(|service| may_publish(service, &notice)).collect();
        assert_eq!(may, by, "{audience} {name}");
    }
}

/// A service reads back from the streams that it publishes to and consumes from, and makes no consumer to read by.
#[test]
fn sr28_a_service_reads_no_stream_that_it_does_not_use() {
    for row in SERVICES {
        let user = row.user("redress");
        let may = |subject: &str| user.publish.iter().any(|own| matches(own, subject));
        for stream in STREAMS {
            let name = stream_name("redress", stream.name);
            let publishes = row.publishes.iter().any(|subject| subject.split('.').next() == Some(stream.kind));
            let uses = publishes || row.stream == stream.name;
            assert_eq!(may(&format!("$JS.API.DIRECT.GET.{name}")), uses, "{} {name}", row.service);
            for consumer in ["new", &consumer_name(row.service), &consumer_name("triage")] {
                for what in ["CREATE", "DURABLE.CREATE"] {
                    assert!(!may(&format!("$JS.API.CONSUMER.{what}.{name}.{consumer}")), "{}", row.service);
                    assert!(
                        !may(&format!("$JS.API.CONSUMER.{what}.{name}.{consumer}.redress.v1.>")),
                        "{}",
                        row.service
                    );
                }
            }
        }
        let others = SERVICES.iter().filter(|other| other.service != row.service);
        for other in others {
            let consumer = format!("{}.{}", stream_name("redress", other.stream), consumer_name(other.service));
            assert!(!may(&format!("$JS.API.CONSUMER.MSG.NEXT.{consumer}")), "{} {consumer}", row.service);
        }
    }
}

#[test]
fn sr27_a_subscriber_has_consumers_of_its_own_name_and_no_others() {
    let user = subscriber("redress", "warehouse");
    assert_eq!(user.account.as_deref(), Some("REDRESS_WAREHOUSE"));
    let may = |subject: &str| user.publish.iter().any(|own| matches(own, subject));
    for what in ["CREATE", "INFO", "MSG.NEXT", "DELETE"] {
        assert!(may(&format!("$JS.redress.API.CONSUMER.{what}.REDRESS_CLAIMS.warehouse-4")), "{what}");
        for other in ["warehouse-5", "warehouse", "finance-1", "*", "intake-main"] {
            assert!(!may(&format!("$JS.redress.API.CONSUMER.{what}.REDRESS_CLAIMS.{other}")), "{what} {other}");
        }
    }
    assert!(
        may("$JS.ACK.REDRESS_NOTICES.warehouse-1.1.1.1.1.0") && !may("$JS.ACK.REDRESS_NOTICES.finance-1.1.1.1.1.0")
    );
    assert!(!user.publish.iter().any(|own| own.contains("REDRESS_COMMANDS") || own.contains("REDRESS_EVENTS")));
    let all: i32 = STREAMS.iter().filter_map(|stream| stream.consumers).sum();
    assert_eq!(all, 200);
}

#[test]
fn no_service_administers_streams_or_consumers() {
    for user in SERVICES.iter().map(|row| row.user("redress")) {
        for subject in &user.publish {
            let administers = ["CREATE", "UPDATE", "DELETE", "PURGE", "RESTORE", "SNAPSHOT", "PAUSE", "LEADER"];
            assert!(!subject.split('.').any(|token| administers.contains(&token)), "{}: {subject}", user.name);
        }
        let inbox = format!("_INBOX_{}.>", user.name);
        let heard: &[&str] = match user.name.as_str() {
            "intake" => &["redress.v1.claim.*.submitted"],
            "logistics" => &["redress.v1.ask.logistics.parcels"],
            "orchestrator" => &["redress.v1.ask.orchestrator.told"],
            _ => &[],
        };
        assert_eq!(user.subscribe, [&[inbox.as_str()], heard].concat(), "public events and questions, if any");
        assert_eq!(user.answers, ["logistics", "orchestrator"].contains(&user.name.as_str()));
    }
}
