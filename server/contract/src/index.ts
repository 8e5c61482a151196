/** The contract between server, clients and extensions: schemas of requests, events and errors. */
export * from './events.ts';
export * from './generation.ts';
export * from './images.ts';
export * from './jobs.ts';
export * from './limits.ts';
export * from './models.ts';
export * from './problems.ts';
