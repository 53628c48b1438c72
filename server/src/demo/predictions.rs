//! Images that runs of the demo log while they train: one validation picture with the boxes of what the model finds in it. At first many
//! are missed, misplaced or imagined; the better the model, the closer they come to the truth.

use domain::tracking::MetricPoint;
use xxhash_rust::xxh3::xxh3_128;

use super::{noise::noise, png::png, training::TrainingRun};

/// Of the picture, in pixels.
const WIDTH: usize = 320;
const HEIGHT: usize = 200;
/// An image every so many epochs.
const EVERY: usize = 10;

/// Ground, lines of the floor, four kinds of objects, the truth, what was found, and what was imagined.
const PALETTE: [[u8; 3]; 9] = [
    [196, 199, 203],
    [222, 224, 226],
    [84, 98, 116],
    [168, 122, 74],
    [122, 132, 98],
    [60, 64, 72],
    [255, 255, 255],
    [34, 160, 96],
    [214, 69, 48],
];
const LINE: u8 = 1;
const TRUTH: u8 = 6;
const FOUND: u8 = 7;
const IMAGINED: u8 = 8;

/// Objects of the picture: place, size and colour.
const OBJECTS: [([i32; 4], u8); 9] = [
    ([16, 30, 74, 52], 2),
    ([104, 22, 40, 34], 3),
    ([150, 26, 38, 30], 3),
    ([206, 18, 92, 64], 2),
    ([30, 112, 22, 58], 5),
    ([74, 120, 20, 52], 5),
    ([122, 96, 62, 48], 4),
    ([206, 108, 24, 62], 5),
    ([246, 124, 56, 44], 3),
];

/// Paths below the run's artifacts as `mlflow.log_image(image, key="val/predictions", step=…)` writes them, and PNGs.
pub fn predictions(run: &TrainingRun) -> Vec<(String, Vec<u8>)> {
    if !run.logs_images {
        return vec![];
    }
    let recall = run.metrics.iter().find(|(key, _)| *key == "val/recall").map_or(&[][..], |(_, points)| points);
    let last = recall.len().saturating_sub(1);
    let wanted = recall.iter().enumerate().filter(|(epoch, _)| epoch % EVERY == 0 || *epoch == last);
    wanted
        .map(|(_, point)| {
            let uuid = format!("{:032x}", xxh3_128(format!("{}/{}", run.id, point.step).as_bytes()));
            let name = format!("images/val~predictions+step+{}+timestamp+{}+{uuid}.png", point.step, point.timestamp.0);
            (name, picture(run, point))
        })
        .collect()
}

fn picture(run: &TrainingRun, recall: &MetricPoint) -> Vec<u8> {
    let mut pixels = vec![0u8; WIDTH * HEIGHT];
    for x in 0..WIDTH {
        for y in 0..HEIGHT {
            // The floor's tiles, narrower towards the back.
            let across = (x as i32 - 160) * 40 / (40 + y as i32);
            if y % 25 == 0 || across.rem_euclid(24) == 0 {
                pixels[y * WIDTH + x] = LINE;
            }
        }
    }
    for ([x, y, w, h], colour) in OBJECTS {
        fill(&mut pixels, [x, y, w, h], colour);
        outline(&mut pixels, [x, y, w, h], TRUTH);
    }
    let key: u64 = run.id.bytes().fold(0, |sum, b| sum * 31 % 1_000_003 + u64::from(b));
    let step = recall.step as u64;
    // How wrong it still is, from 1 to 0.
    let wrong = (1.0 - recall.value).clamp(0.02, 1.0);
    for (i, ([x, y, w, h], _)) in OBJECTS.into_iter().enumerate() {
        let chance = |what: u64| noise(&[key, step, i as u64, what]);
        if chance(0) < 0.7 * wrong {
            continue;
        }
        let off = |what: u64, side: i32| ((chance(what) - 0.5) * 1.2 * wrong * f64::from(side)) as i32;
        let found = [x - 2 + off(1, w), y - 2 + off(2, h), w + 4 + off(3, w), h + 4 + off(4, h)];
        for inner in 0..2 {
            outline(&mut pixels, shrunk(found, inner), FOUND);
        }
    }
    for i in 0..4 {
        let chance = |what: u64| noise(&[key, step, 100 + i, what]);
        if chance(0) < 0.8 * wrong {
            let place = |what: u64, room: usize| (chance(what) * (room - 50) as f64) as i32;
            let imagined = [place(1, WIDTH), place(2, HEIGHT), 24 + place(3, 76), 20 + place(4, 70)];
            for inner in 0..2 {
                outline(&mut pixels, shrunk(imagined, inner), IMAGINED);
            }
        }
    }
    png(WIDTH, &PALETTE, &pixels)
}

fn shrunk([x, y, w, h]: [i32; 4], by: i32) -> [i32; 4] {
    [x + by, y + by, w - 2 * by, h - 2 * by]
}

/// What of it lies within the picture.
fn fill(pixels: &mut [u8], [x, y, w, h]: [i32; 4], colour: u8) {
    let within = |from: i32, length: i32, room: usize| {
        let end = usize::try_from(from + length.max(0)).unwrap_or(0).min(room);
        usize::try_from(from).unwrap_or(0).min(end)..end
    };
    for row in within(y, h, HEIGHT) {
        let columns = within(x, w, WIDTH);
        pixels[row * WIDTH..][columns].fill(colour);
    }
}

fn outline(pixels: &mut [u8], [x, y, w, h]: [i32; 4], colour: u8) {
    for side in [[x, y, w, 1], [x, y + h - 1, w, 1], [x, y, 1, h], [x + w - 1, y, 1, h]] {
        fill(pixels, side, colour);
    }
}

#[cfg(test)]
mod tests {
    use domain::time::Millis;

    use super::*;
    use crate::demo::{Fleet, training::training_runs};

    #[test]
    fn some_runs_log_a_few_small_images_over_their_steps() {
        let runs = training_runs(&Fleet::new(), Millis(1_795_000_000_000));
        let files: Vec<Vec<(String, Vec<u8>)>> = runs.iter().map(predictions).filter(|f| !f.is_empty()).collect();
        let bytes: usize = files.iter().flatten().map(|(_, png)| png.len()).sum();
        assert_eq!(files.len(), 13);
        assert!(files.iter().all(|f| (5..=8).contains(&f.len())));
        assert!(files.iter().flatten().all(|(_, png)| png.len() < 8_000), "a few kB each");
        assert!(bytes < 500_000, "{bytes} bytes");
        // The picture is the same and what is found is not.
        assert_ne!(files[0][0].1, files[0][1].1);
    }
}
