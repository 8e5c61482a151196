import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { launchBrowser, visit, type Visit } from './browser.ts';
import type { StudioServer } from './studio-server.ts';

/** How long a poll goes on: a busy machine is slow, not wrong. */
export const PATIENT = { timeout: 60_000 };

interface Studio {
  readonly server: StudioServer;
  /** What the consoles of the test's pages complained of. */
  readonly complaints: string[];
  /** Visits the server in a profile of its own, until the test ends. */
  open(options?: BrowserContextOptions): Promise<Page>;
}

/** Gives the tests of a file a browser and a server, which is idle before each test. Call it at the top of the file. */
export function studio(start: () => Promise<StudioServer>): Studio {
  let server: StudioServer | undefined;
  let browser: Browser | undefined;
  let visits: Visit[] = [];
  const started = <T>(what: T | undefined): T => {
    if (what === undefined) throw new Error('It has not started.');
    return what;
  };

  beforeAll(async () => {
    browser = await launchBrowser();
    server = await start();
  });
  afterEach(async () => {
    await Promise.all(visits.map((each) => each.close()));
    visits = [];
    await server?.settle();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  return {
    get server() {
      return started(server);
    },
    get complaints() {
      return visits.flatMap(({ complaints }) => complaints);
    },
    async open(options) {
      const here = await visit(started(browser), started(server).url, options);
      visits.push(here);
      return here.page;
    },
  };
}

/* What tests look at and touch. */

export const prompt = (page: Page): Locator => page.getByLabel('Prompt', { exact: true });
export const steps = (page: Page): Locator => page.getByLabel('Steps', { exact: true });
export const stage = (page: Page): Locator => page.getByRole('region', { name: 'Picture', exact: true });
/** The button, whatever it says at the moment. */
export const generate = (page: Page): Locator =>
  page.getByRole('button', { name: /^(Generate|Add to queue)/ });
export const preview = (page: Page): Locator => page.getByAltText(/^Preview at step/).first();
/** Is there once a finished picture is on the stage. */
export const download = (page: Page): Locator => stage(page).getByRole('link', { name: 'Download' });
