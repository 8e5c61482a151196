import type { ImageList, ImageQuery, ImageView } from '@atelier/contract';

/** A picture's file, checked to lie inside the outputs folder. */
export interface ImageFile {
  path: string;
  type: 'image/png' | 'image/webp';
  sizeBytes: number;
  /** Strong validator for caching. */
  etag: string;
}

/** The pictures: rows in the database, files below the outputs folder. */
export interface Gallery {
  find(id: string): Promise<ImageView | null>;
  list(query: ImageQuery): Promise<ImageList>;
  /** @throws AppError `not-found` (unknown id), `gone` (row kept, file missing or damaged). */
  file(id: string): Promise<ImageFile>;
  /** A WebP at most 320 px wide or high, made on demand and kept in the data folder. @throws as `file`. */
  thumbnail(id: string): Promise<ImageFile>;
}
