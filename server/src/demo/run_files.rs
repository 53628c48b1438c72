//! The artifacts of the demo's runs: a model's description, a confusion matrix, a picture, a note and a table.

use std::fmt::Write as _;

use domain::tracking::{MetricPoint, RunStatus};
use serde_json::json;

use super::{noise::noise, png::png, predictions::predictions, training::TrainingRun};

/// Of the picture, in pixels.
const WIDTH: usize = 320;
const HEIGHT: usize = 160;

const CLASSES: [&str; 5] = ["person", "forklift", "truck", "pallet", "background"];

/// Paths below the run's artifacts, and contents.
pub fn run_files(run: &TrainingRun) -> Vec<(String, Vec<u8>)> {
    let files: Vec<(&str, Vec<u8>)> = match run.status {
        RunStatus::Finished => vec![
            ("model/MLmodel", model(run).into_bytes()),
            ("model/requirements.txt", b"torch==2.8.0\nultralytics==8.3.0\n".to_vec()),
            ("confusion_matrix.json", confusion_matrix(run).into_bytes()),
            ("plots/loss.png", picture(run)),
            ("notes.md", notes(run).into_bytes()),
            ("results.csv", table(run).into_bytes()),
        ],
        RunStatus::Failed if run.metrics.is_empty() => {
            vec![("error.txt", b"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.25 GiB.\n".to_vec())]
        }
        RunStatus::Failed => vec![("error.txt", b"FloatingPointError: the loss is not finite at epoch 7\n".to_vec())],
        _ => vec![],
    };
    files.into_iter().map(|(path, bytes)| (path.to_owned(), bytes)).chain(predictions(run)).collect()
}

fn points<'r>(run: &'r TrainingRun, key: &str) -> &'r [MetricPoint] {
    run.metrics.iter().find(|(k, _)| *k == key).map_or(&[], |(_, points)| points)
}

fn model(run: &TrainingRun) -> String {
    format!(
        "artifact_path: model\nflavors:\n  python_function:\n    loader_module: mlflow.pytorch\n    python_version: 3.11.7\n  pytorch:\n    \
         model_data: data\n    pytorch_version: 2.8.0\nmetadata:\n  architecture: {}\n  version: {}\nmlflow_version: 3.17.2\n\
         model_uuid: {}\nrun_id: {}\nutc_time_created: '{}'\n",
        run.model.architecture,
        run.model.version,
        run.id,
        run.id,
        run.end.unwrap_or(run.start),
    )
}

fn confusion_matrix(run: &TrainingRun) -> String {
    let recall = points(run, "val/recall").last().map_or(0.7, |p| p.value);
    let key: u64 = run.id.bytes().fold(0, |sum, b| sum * 31 % 1_000_003 + u64::from(b));
    let row = |truth: usize| {
        let found = |class: usize| {
            let chance = noise(&[key, truth as u64, class as u64]);
            let share = if truth == class { recall } else { (1.0 - recall) / 4.0 * (0.5 + chance) };
            (share * 400.0).round()
        };
        (0..CLASSES.len()).map(found).collect::<Vec<_>>()
    };
    let matrix: Vec<_> = (0..CLASSES.len()).map(row).collect();
    format!("{:#}\n", json!({"labels": CLASSES, "rows": "truth", "columns": "prediction", "matrix": matrix}))
}

fn notes(run: &TrainingRun) -> String {
    let last = |key: &str| points(run, key).last().map_or("–".to_owned(), |p| p.value.to_string());
    format!(
        "# {}\n\nSimulated training of {} for the demo.\n\n- precision {}, recall {}\n- validation loss {}\n",
        run.name,
        run.model.architecture,
        last("val/precision"),
        last("val/recall"),
        last("val/box_loss")
    )
}

/// What every epoch logged, a row each.
fn table(run: &TrainingRun) -> String {
    let epochs = points(run, "val/box_loss").len();
    let columns: Vec<_> = run.metrics.iter().filter(|(_, points)| points.len() == epochs).collect();
    let mut text = String::from("epoch");
    for (key, _) in &columns {
        let _ = write!(text, ",{key}");
    }
    text.push('\n');
    for epoch in 0..epochs {
        let _ = write!(text, "{epoch}");
        for (_, points) in &columns {
            let _ = write!(text, ",{}", points[epoch].value);
        }
        text.push('\n');
    }
    text
}

/// Training and validation loss as a PNG of four colours.
fn picture(run: &TrainingRun) -> Vec<u8> {
    let palette: [[u8; 3]; 4] = [[255, 255, 255], [205, 210, 218], [37, 99, 235], [217, 119, 6]];
    let mut pixels = vec![0u8; WIDTH * HEIGHT];
    for y in (0..HEIGHT).step_by(HEIGHT / 4) {
        pixels[y * WIDTH..(y + 1) * WIDTH].fill(1);
    }
    for (key, colour) in [("train/box_loss", 2), ("val/box_loss", 3)] {
        let curve = points(run, key);
        let highest = curve.iter().map(|p| p.value).fold(f64::MIN_POSITIVE, f64::max);
        let mut before = None;
        for x in 0..WIDTH {
            let Some(point) = curve.get(x * curve.len() / WIDTH) else { continue };
            let y = ((1.0 - point.value / highest) * (HEIGHT - 1) as f64).clamp(0.0, (HEIGHT - 1) as f64) as usize;
            let from = before.unwrap_or(y);
            for y in from.min(y)..=from.max(y) {
                pixels[y * WIDTH + x] = colour;
            }
            before = Some(y);
        }
    }
    png(WIDTH, &palette, &pixels)
}
