import type { ImageView } from '@atelier/contract';
import type { ImageRow } from '../storage/schema.ts';

/** A row as clients see it. */
export const toImageView = (row: ImageRow): ImageView => ({
  id: row.id,
  jobId: row.job_id,
  index: row.idx,
  name: row.name,
  width: row.width,
  height: row.height,
  sizeBytes: row.size_bytes,
  seed: row.seed,
  parameters: row.parameters,
  missing: row.missing === 1,
  createdAt: row.created_at,
});
