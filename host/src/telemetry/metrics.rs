//! Writes down what was counted, as OpenMetrics has it: what Prometheus reads.
//!
//! Once it was asked, a route is listed for ever; one that nobody asks costs nothing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::counts::{AppCounts, Asked, BOUNDS, Retired, RouteCounts, Stop};
use super::writer;

/// The `content-type` of [`metrics`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const STATUSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
const KEPT: [&str; 3] = ["MISS", "HIT", "STALE"];

/// An app as it is now.
#[derive(Debug)]
pub struct Snapshot {
    /// What was counted of it.
    pub counts: Arc<AppCounts>,
    /// Instances that answer a request.
    pub running: usize,
    /// Instances that wait for one.
    pub idle: usize,
    /// How many may run.
    pub places: usize,
}

/// The code of components that is in memory and can be loaded again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadedCode {
    /// Its bytes.
    pub bytes: usize,
    /// Components unloaded to make room, since the process started.
    pub unloaded: u64,
}

/// What was counted of these apps, and of the process.
#[must_use]
pub fn metrics(apps: Vec<Snapshot>, code: LoadedCode) -> String {
    let apps = apps.into_iter().map(|now| {
        let routes = now.counts.routes().into_iter();
        Labelled {
            name: Arc::clone(&now.counts.name),
            routes: routes.filter(|(_, counts)| counts.were_used()).collect(),
            now,
        }
    });
    let mut registry = Registry::default();
    let apps = apps.collect();
    registry.register_collector(Box::new(Scrape { apps, code }));
    let mut text = String::new();
    if let Err(error) = text::encode(&mut text, &registry) {
        tracing::error!("what was counted cannot be written down: {error}");
    }
    text
}

impl RouteCounts {
    fn were_used(&self) -> bool {
        let counts = self.answers.iter().chain(&self.stops);
        counts.into_iter().any(|count| 0 < get(count))
    }
}

/// What one scrape writes down.
#[derive(Debug)]
struct Scrape {
    apps: Vec<Labelled>,
    code: LoadedCode,
}

/// An app with its name and its routes, as labels.
#[derive(Debug)]
struct Labelled {
    name: Arc<str>,
    now: Snapshot,
    routes: Vec<(Arc<str>, Arc<RouteCounts>)>,
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let about = [("version", env!("CARGO_PKG_VERSION"))];
        let mut info =
            encoder.encode_descriptor("waystation", "This program", None, MetricType::Info)?;
        info.encode_info(&about)?;

        let help = "Requests of clients that were answered";
        self.counters(
            &mut encoder,
            "waystation_requests",
            help,
            "status",
            |counts| STATUSES.into_iter().zip(&counts.answers).collect(),
        )?;
        self.times(&mut encoder)?;
        let help = "Answers of routes that keep them";
        self.counters(
            &mut encoder,
            "waystation_kept_answers",
            help,
            "state",
            |counts| KEPT.into_iter().zip(&counts.kept).collect(),
        )?;
        let help = "Limits that requests have met";
        self.counters(&mut encoder, "waystation_limits", help, "limit", |counts| {
            stops(counts, true)
        })?;
        let help = "Requests that failed";
        self.counters(&mut encoder, "waystation_errors", help, "error", |counts| {
            stops(counts, false)
        })?;
        let help = "Instances of routes with ISOLATION = Shared that are gone without a fault";
        self.counters(
            &mut encoder,
            "waystation_retired_instances",
            help,
            "reason",
            |counts| {
                let reasons = Retired::ALL.into_iter().map(Retired::as_str);
                reasons.zip(&counts.retired).collect()
            },
        )?;
        self.outgoing(&mut encoder)?;
        let help = "Lines of the log that were dropped as nobody read them";
        let name = "waystation_log_lines_dropped";
        let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        counter(metric, writer::dropped())?;
        self.code(&mut encoder)?;
        self.instances(&mut encoder)
    }
}

fn stops(counts: &RouteCounts, are_limits: bool) -> Vec<(&'static str, &AtomicU64)> {
    let stops = Stop::ALL.into_iter().zip(&counts.stops);
    let stops = stops.filter(|(stop, _)| stop.is_limit() == are_limits);
    stops.map(|(stop, count)| (stop.as_str(), count)).collect()
}

impl Scrape {
    /// A counter for each route and each value of one more label, where it is not 0.
    fn counters(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        label: &str,
        of: impl for<'a> Fn(&'a RouteCounts) -> Vec<(&'static str, &'a AtomicU64)>,
    ) -> fmt::Result {
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for Labelled {
            name: app, routes, ..
        } in &self.apps
        {
            for (route, counts) in routes {
                for (value, count) in of(counts) {
                    let labels = [("app", &**app), ("route", &**route), (label, value)];
                    if 0 < get(count) {
                        counter(metric.encode_family(&labels)?, get(count))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn times(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let (name, help) = (
            "waystation_request_seconds",
            "Time until the head of an answer",
        );
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for Labelled {
            name: app, routes, ..
        } in &self.apps
        {
            for (route, counts) in routes {
                let labels = [("app", &**app), ("route", &**route)];
                let took = &counts.took;
                let buckets: Vec<_> = BOUNDS
                    .into_iter()
                    .zip(took.counts.iter().map(get))
                    .collect();
                let count = buckets.iter().map(|(_, count)| count).sum();
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "a sum of three centuries is exact"
                )]
                let sum = get(&took.micros) as f64 / 1e6;
                let mut metric = metric.encode_family(&labels)?;
                metric.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
            }
        }
        Ok(())
    }

    fn outgoing(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let (name, help) = ("waystation_outgoing_requests", "Requests to other servers");
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for Labelled { name: app, now, .. } in &self.apps {
            for (outcome, count) in Asked::ALL.into_iter().zip(&now.counts.outgoing) {
                let labels = [("app", &**app), ("outcome", outcome.as_str())];
                counter(metric.encode_family(&labels)?, get(count))?;
            }
        }
        Ok(())
    }

    fn code(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let LoadedCode { bytes, unloaded } = self.code;
        let help = "Code of components that is in memory and can be loaded again";
        let name = "waystation_code_bytes";
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        metric.encode_gauge(&(bytes as u64))?;
        let help = "Components whose code was unloaded to make room for others'";
        let name = "waystation_code_unloaded";
        let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        counter(metric, unloaded)
    }

    fn instances(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let (name, help) = (
            "waystation_instances",
            "Instances of components, and places for them",
        );
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for Labelled { name: app, now, .. } in &self.apps {
            let Snapshot {
                running,
                idle,
                places,
                ..
            } = now;
            for (state, count) in [("running", running), ("idle", idle), ("places", places)] {
                let labels = [("app", &**app), ("state", state)];
                metric
                    .encode_family(&labels)?
                    .encode_gauge(&(*count as u64))?;
            }
        }
        Ok(())
    }
}

fn counter(mut metric: MetricEncoder<'_>, count: u64) -> fmt::Result {
    metric.encode_counter::<NoLabelSet, _, u64>(&count, None)
}

fn get(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;
    use waystation_rules::caching::Served;

    use super::*;

    #[test]
    fn what_was_counted_is_written_by_app_and_pattern() {
        let counts = Arc::new(AppCounts::new("shop".into()));
        let items = counts.route("/items/[id]");
        counts
            .route("/items/[id]")
            .answered(StatusCode::OK, Duration::from_millis(3));
        items.answered(StatusCode::CREATED, Duration::from_millis(300));
        items.answered(StatusCode::BAD_GATEWAY, Duration::from_secs(3_600));
        items.kept(Served::Stale);
        items.stopped(Stop::Memory);
        items.stopped(Stop::Trap);
        items.retired(Retired::Idle, 2);
        counts
            .route("/a\"b\\")
            .answered(StatusCode::OK, Duration::ZERO);
        counts.route("/never/asked");
        counts.asked(Asked::Refused);
        let app = Snapshot {
            counts,
            running: 2,
            idle: 1,
            places: 9,
        };
        let code = LoadedCode {
            bytes: 4_096,
            unloaded: 3,
        };
        let text = metrics(vec![app], code);

        let lines: Vec<_> = text.lines().collect();
        for expected in [
            "waystation_requests_total{app=\"shop\",route=\"/items/[id]\",status=\"2xx\"} 2",
            "waystation_requests_total{app=\"shop\",route=\"/items/[id]\",status=\"5xx\"} 1",
            "waystation_requests_total{app=\"shop\",route=\"/a\\\"b\\\\\",status=\"2xx\"} 1",
            "waystation_request_seconds_bucket{le=\"0.0025\",app=\"shop\",route=\"/items/[id]\"} 0",
            "waystation_request_seconds_bucket{le=\"0.005\",app=\"shop\",route=\"/items/[id]\"} 1",
            "waystation_request_seconds_bucket{le=\"1.0\",app=\"shop\",route=\"/items/[id]\"} 2",
            "waystation_request_seconds_bucket{le=\"+Inf\",app=\"shop\",route=\"/items/[id]\"} 3",
            "waystation_request_seconds_sum{app=\"shop\",route=\"/items/[id]\"} 3600.303",
            "waystation_request_seconds_count{app=\"shop\",route=\"/items/[id]\"} 3",
            "waystation_kept_answers_total{app=\"shop\",route=\"/items/[id]\",state=\"STALE\"} 1",
            "waystation_limits_total{app=\"shop\",route=\"/items/[id]\",limit=\"memory\"} 1",
            "waystation_errors_total{app=\"shop\",route=\"/items/[id]\",error=\"trap\"} 1",
            "waystation_retired_instances_total{app=\"shop\",route=\"/items/[id]\",reason=\"idle\"} 2",
            "waystation_outgoing_requests_total{app=\"shop\",outcome=\"refused\"} 1",
            "waystation_code_bytes 4096",
            "waystation_code_unloaded_total 3",
            "waystation_instances{app=\"shop\",state=\"running\"} 2",
            "waystation_instances{app=\"shop\",state=\"places\"} 9",
            "# TYPE waystation_requests counter",
        ] {
            assert!(lines.contains(&expected), "{expected}\n\n{text}");
        }
        assert_eq!(lines.last(), Some(&"# EOF"));
        assert!(!text.contains("never"), "{text}");
    }

    #[test]
    fn the_words_stand_where_their_counts_do() {
        for (at, stop) in Stop::ALL.into_iter().enumerate() {
            assert_eq!(at, stop as usize, "{stop:?}");
        }
        for (at, why) in Retired::ALL.into_iter().enumerate() {
            assert_eq!(at, why as usize, "{why:?}");
        }
        for (at, outcome) in Asked::ALL.into_iter().enumerate() {
            assert_eq!(at, outcome as usize, "{outcome:?}");
        }
        for served in [Served::Hit, Served::Stale, Served::Miss] {
            assert_eq!(KEPT[served as usize], served.as_str());
        }
    }
}
