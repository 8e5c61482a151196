import { ImageList, ImageQuery, ImageView } from '@atelier/contract';
import type { Response } from 'express';
import { basename } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { Gallery, ImageFile } from '../../gallery/gallery.ts';
import { contentDisposition } from '../content-disposition.ts';
import { read } from '../invalid-request.ts';
import { readId } from '../read-id.ts';
import type { Route } from '../route.ts';

const FileQuery = z.strictObject({
  download: z.stringbool().optional().describe('Answer as an attachment that browsers save.'),
});

export function imageRoutes({ gallery }: { gallery: Gallery }): Route[] {
  const find = async (id: string): Promise<ImageView> => {
    const image = await gallery.find(id);
    if (image === null) throw new AppError('not-found', { detail: `There is no picture ${id}.` });
    return image;
  };
  return [
    {
      method: 'get',
      path: '/images',
      tag: 'Images',
      summary: 'List pictures',
      description: 'Newest first. Give `nextCursor` of one page as `cursor` for the next.',
      query: ImageQuery,
      answers: { 200: { description: 'A page of pictures.', schema: ImageList } },
      problems: ['invalid-request'],
      async handle(req, res) {
        res.json(await gallery.list(read(ImageQuery, req.query)));
      },
    },
    {
      method: 'get',
      path: '/images/{id}',
      tag: 'Images',
      summary: 'Show what is known of a picture',
      answers: { 200: { description: 'The picture.', schema: ImageView } },
      problems: ['not-found'],
      async handle(req, res) {
        res.json(await find(readId(req.params['id'], 'picture')));
      },
    },
    {
      method: 'get',
      path: '/images/{id}/file',
      tag: 'Images',
      summary: "Get a picture's file",
      query: FileQuery,
      answers: {
        200: { description: 'The file as it lies in outputs/.', mediaTypes: ['image/png', 'image/webp'] },
      },
      problems: ['not-found', 'gone'],
      async handle(req, res) {
        const { download } = read(FileQuery, req.query);
        const id = readId(req.params['id'], 'picture');
        const { name } = await find(id);
        const kind = download === true ? 'attachment' : 'inline';
        res.setHeader('Content-Disposition', contentDisposition(kind, basename(name)));
        await sendPicture(res, await gallery.file(id));
      },
    },
    {
      method: 'get',
      path: '/images/{id}/thumbnail',
      tag: 'Images',
      summary: 'Get a small version of a picture',
      description: 'At most 320 pixels wide or high.',
      answers: { 200: { description: 'The small picture.', mediaTypes: ['image/webp'] } },
      problems: ['not-found', 'gone'],
      async handle(req, res) {
        await sendPicture(res, await gallery.thumbnail(readId(req.params['id'], 'picture')));
      },
    },
  ];
}

/** Sends a file that never changes under its id: whole, in ranges, or 304. */
async function sendPicture(res: Response, { path, type, etag }: ImageFile): Promise<void> {
  res.setHeader('Content-Type', type);
  res.setHeader('ETag', etag);
  res.setHeader('Cache-Control', 'private, max-age=31536000, immutable');
  res.setHeader('Content-Security-Policy', 'sandbox');
  await new Promise<void>((resolve, reject) => {
    res.sendFile(path, { cacheControl: false, lastModified: false, dotfiles: 'allow' }, (error: unknown) => {
      if (error === undefined || isLostReader(error)) resolve();
      else reject(asGone(error));
    });
  });
}

const isLostReader = (error: unknown): boolean => {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ECONNABORTED' || code === 'EPIPE' || code === 'ECONNRESET';
};

function asGone(error: unknown): Error {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return error as Error;
  return new AppError('gone', { detail: 'The file of this picture is no longer there.', cause: error });
}
