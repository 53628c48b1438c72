//! Writes rows of the lake as one Parquet file with the lake's columns. What comes out can be ingested again.

use std::path::Path;

use datafusion::{
    arrow::{array::RecordBatch, compute::concat_batches},
    parquet::arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
};
use domain::{Error, Result, scope::Scope, time::TimeRange};
use futures::StreamExt;

use crate::{Lake, file, scan::Rows, schema::SCHEMA};

impl Lake {
    pub(crate) async fn write_export(&self, scope: &Scope, range: TimeRange, to: &Path) -> Result<u64> {
        self.snapshot().directory.check(scope)?;
        let names: Vec<&'static str> = SCHEMA.fields().iter().map(|f| f.name().as_str()).collect();
        let rows = Rows { scope, model: None, range, columns: names };
        let part = to.with_extension("part");
        let written = self.export_to(&rows, &part).await;
        match written {
            Ok(n) => {
                std::fs::rename(&part, to).map_err(|e| file::cannot_write(to, &e))?;
                Ok(n)
            }
            Err(e) => {
                let _ = std::fs::remove_file(&part);
                Err(e)
            }
        }
    }

    async fn export_to(&self, rows: &Rows<'_>, path: &Path) -> Result<u64> {
        let unreadable = |e: String| Error::unavailable("the records cannot be read just now").with_detail(e);
        let snapshot = self.snapshot();
        let streams = self.engine().streams(&snapshot, rows).await.map_err(|e| unreadable(e.to_string()))?;
        let out = std::fs::File::create(path).map_err(|e| file::cannot_write(path, &e))?;
        let broken = |e: datafusion::parquet::errors::ParquetError| {
            Error::unavailable(format!("cannot write {}", path.display())).with_detail(e)
        };
        let options = ArrowWriterOptions::new().with_properties(file::properties()).with_skip_arrow_metadata(true);
        let mut writer = ArrowWriter::try_new_with_options(out, SCHEMA.clone(), options).map_err(broken)?;
        let mut n = 0;
        for mut stream in streams {
            while let Some(batch) = stream.next().await {
                let batch = batch.map_err(|e| unreadable(e.to_string()))?;
                let batch: RecordBatch = concat_batches(&SCHEMA, [&batch.with_schema(SCHEMA.clone()).map_err(|e| unreadable(e.to_string()))?])
                    .map_err(|e| unreadable(e.to_string()))?;
                n += batch.num_rows() as u64;
                writer.write(&batch).map_err(broken)?;
            }
        }
        writer.close().map_err(broken)?;
        Ok(n)
    }
}
