import type { Page } from 'playwright-core';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser, onPhone, SIZES, visit } from './browser.ts';
import { StudioServer } from './studio-server.ts';
import { generate, prompt } from './studio.ts';

/*
 * Takes the pictures of the user guide, from the real server and the starter model:
 *   ATELIER_SCREENSHOTS=1 npx vitest run --project e2e screenshots
 */

const wanted = process.env['ATELIER_SCREENSHOTS'] === '1';
const folder = fileURLToPath(new URL('../../../docs/images', import.meta.url));
const PROMPTS = [
  'a tree',
  'a yellow star on a purple background',
  'a penguin',
  'a blue car',
  'a slice of pizza',
  'a rocket on a blue background',
  'a cat',
  'a house',
  'a red apple',
];

let server: StudioServer;

beforeAll(async () => {
  if (wanted) server = await StudioServer.real();
});
afterAll(async () => {
  await server?.close(); // undefined where nothing was wanted
});

const take = (page: Page, name: string): Promise<Buffer> =>
  page.screenshot({ path: `${folder}/${name}.png`, animations: 'disabled' });

test.runIf(wanted)(
  'the pictures of the user guide',
  async () => {
    const browser = await launchBrowser();
    const { page, complaints } = await visit(browser, server.url);
    await page.getByRole('heading', { name: 'Write a prompt, get a picture' }).waitFor();
    await take(page, 'first-start');

    await page.getByLabel('Seed', { exact: true }).fill('7');
    for (const [index, text] of PROMPTS.entries()) {
      await prompt(page).fill(text);
      await page.keyboard.press('Control+Enter');
      await expect.poll(async () => (await server.images()).length, { timeout: 300_000 }).toBe(index + 1);
    }
    await page.getByRole('button', { name: 'Open the picture: a red apple', exact: true }).waitFor();
    await take(page, 'first-picture');
    await page.getByRole('button', { name: 'Open the picture: a red apple', exact: true }).click();
    await page.getByRole('dialog').getByText('Sampler').waitFor();
    await take(page, 'picture');
    await page.keyboard.press('Escape');

    await page.emulateMedia({ colorScheme: 'dark' });
    for (const text of ['a pumpkin', 'a butterfly', 'a pink balloon']) {
      await prompt(page).fill(text);
      await prompt(page).press('Control+Enter');
      await expect.poll(() => generate(page).isEnabled()).toBe(true);
    }
    const middle = page.getByText(/^Step (9|1\d) of/);
    await middle.first().waitFor({ timeout: 300_000 });
    await take(page, 'drawing');
    await page.getByRole('button', { name: /^Queue/ }).click();
    await page.getByRole('dialog').getByRole('progressbar').waitFor();
    await take(page, 'queue');
    await page.keyboard.press('Escape');
    await server.settle();

    const phone = await visit(browser, server.url, {
      ...onPhone,
      viewport: SIZES.phone,
      deviceScaleFactor: 2,
    });
    await phone.page.getByRole('button', { name: /^Open the picture/ }).waitFor();
    await take(phone.page, 'phone');
    expect([...complaints, ...phone.complaints]).toEqual([]);
    await browser.close();
  },
  1_800_000,
);
