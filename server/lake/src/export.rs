//! Writes rows of the lake as Parquet with the lake's columns. What comes out can be ingested again.

use domain::{Error, Result, ports::RestartableWriter, scope::Scope, time::TimeRange};
use futures::StreamExt;
use parquet::arrow::ArrowWriter;

use crate::{Lake, file, scan::ScanRequest, schema::SCHEMA, sentences, snapshot::Snapshot};

/// Why an export did not come about.
enum ExportError {
    /// Looking at the lake again may help.
    CachedScan(String),
    /// It may not.
    Final(Error),
}

impl Lake {
    pub(crate) async fn write_export(
        &self,
        scope: &Scope,
        range: TimeRange,
        to: &mut dyn RestartableWriter,
    ) -> Result<u64> {
        self.snapshot().directory.check(scope)?;
        let columns: Vec<&'static str> = SCHEMA.fields().iter().map(|f| f.name().as_str()).collect();
        let rows = ScanRequest { scope, model: None, ranges: range.into(), columns, only: None };
        self.export_with_patience(&rows, to).await
    }

    /// A file that a merge replaced meanwhile is looked up again; a file that cannot be read ends the export, since what it
    /// leaves out would not be noticed by readers of the result.
    async fn export_with_patience(&self, rows: &ScanRequest<'_>, to: &mut dyn RestartableWriter) -> Result<u64> {
        let mut trouble = String::new();
        for tried in 0..4 {
            let snapshot = self.snapshot();
            let reach = |v: &&crate::snapshot::IndexedFile| rows.ranges.overlaps(v.file.from, v.file.to);
            if let Some((file, reason)) =
                snapshot.files.iter().filter(reach).find_map(|v| Some((&v.file.path, v.failed.as_ref()?)))
            {
                return Err(file::unreadable_file_error(file, reason));
            }
            match self.export_once(&snapshot, rows, to).await {
                Ok(n) => return Ok(n),
                Err(ExportError::Final(e)) => return Err(e),
                Err(ExportError::CachedScan(e)) => {
                    trouble = e;
                    self.after_failed_scan(snapshot.files_in(&rows.ranges), tried).await?;
                }
            }
        }
        Err(Error::unavailable(sentences::not_just_now()).with_detail(trouble))
    }

    async fn export_once(
        &self,
        snapshot: &Snapshot,
        rows: &ScanRequest<'_>,
        to: &mut dyn RestartableWriter,
    ) -> std::result::Result<u64, ExportError> {
        let unreadable = |e: datafusion_common::DataFusionError| ExportError::CachedScan(e.to_string());
        let cannot = || Error::unavailable(sentences::not_exported());
        let broken = |e: parquet::errors::ParquetError| ExportError::Final(cannot().with_detail(e));
        let streams = self.engine().streams(snapshot, rows).map_err(unreadable)?;
        // Also what an attempt before this one has written.
        to.begin().map_err(|e| ExportError::Final(cannot().with_detail(e)))?;
        let mut writer =
            ArrowWriter::try_new_with_options(to, SCHEMA.clone(), file::writer_options()).map_err(broken)?;
        let mut n = 0;
        for mut stream in streams {
            while let Some(batch) = stream.next().await {
                let batch = batch.map_err(unreadable)?;
                n += batch.num_rows() as u64;
                let batch = batch.with_schema(SCHEMA.clone()).map_err(|e| ExportError::CachedScan(e.to_string()))?;
                writer.write(&batch).map_err(broken)?;
            }
        }
        writer.close().map_err(broken)?;
        Ok(n)
    }
}
