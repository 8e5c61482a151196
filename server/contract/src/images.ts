import { z } from 'zod';

/** One picture in the gallery. Its file is at `/api/v1/images/:id/file`, a small one at `…/thumbnail`. */
export const ImageView = z
  .strictObject({
    id: z.uuid(),
    jobId: z.uuid(),
    /** Place within its job, from 0. */
    index: z.int().min(0),
    /** File name below the outputs folder, e.g. `2026-01-31/00012-421337-a red apple.png`. */
    name: z.string(),
    width: z.int().positive(),
    height: z.int().positive(),
    sizeBytes: z.int().positive(),
    seed: z.int().min(0),
    /** The generation text written into the file, as AUTOMATIC1111's webui spells it. */
    parameters: z.string(),
    /** Set when the file is gone or damaged; the row is kept and recovers if the file comes back. */
    missing: z.boolean(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Image' });
export type ImageView = z.output<typeof ImageView>;

export const ImageList = z
  .strictObject({ images: z.array(ImageView), nextCursor: z.string().nullable() })
  .meta({ id: 'ImageList' });
export type ImageList = z.output<typeof ImageList>;

/** Query of GET /api/v1/images. Newest first. */
export const ImageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(200).optional(),
});
export type ImageQuery = z.output<typeof ImageQuery>;
