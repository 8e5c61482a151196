import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { onPhone, SIZES } from './browser.ts';
import { pageFaults } from './page-faults.ts';
import { StudioServer } from './studio-server.ts';
import { download, PATIENT, preview, prompt, stage, steps, studio } from './studio.ts';

/* What the page does around the drawing. The fake engine keeps a steady pace and fails when told to. */

const atelier = studio(() => StudioServer.fake(60));
/** The finished picture of a prompt, on the stage. */
const shown = (page: Page, text: string) =>
  stage(page).getByRole('button', { name: `Open the picture: ${text}`, exact: true });
async function draw(page: Page, text: string, count: number): Promise<void> {
  await prompt(page).fill(text);
  await steps(page).fill(String(count));
  await prompt(page).press('Control+Enter');
}

test('a job that fails says why, on the stage and in the queue, and can be tried again', async () => {
  const page = await atelier.open();
  await draw(page, 'a storm !exit', 5);
  const notice = page.getByRole('alert');
  await notice.getByText('The drawing process crashed').waitFor({ timeout: 30_000 });
  await stage(page).getByRole('heading', { name: 'The drawing process crashed' }).waitFor();
  const before = (await atelier.server.jobs()).length;
  await page.getByRole('button', { name: /^Queue/ }).click();
  const card = page.getByRole('dialog').getByRole('article', { name: 'a storm !exit' }).first();
  await card.getByRole('button', { name: 'Try again' }).click();
  await expect.poll(async () => (await atelier.server.jobs()).length, PATIENT).toBe(before + 1);
  await atelier.server.idle();
});

test('several jobs wait in order; one is cancelled, the others are drawn', async () => {
  const page = await atelier.open();
  await draw(page, 'first', 150); // long enough to look at the others while they wait
  for (const name of ['second', 'third']) await draw(page, name, 4);
  await page.getByRole('button', { name: /^Queue/ }).click();
  const drawer = page.getByRole('dialog');
  const waiting = drawer.getByRole('list', { name: 'Running and waiting' }).getByRole('article');
  await expect.poll(() => waiting.count(), PATIENT).toBe(3);
  expect(await waiting.nth(0).getAttribute('aria-label')).toBe('first');
  await waiting.nth(1).getByText('Next', { exact: true }).waitFor();
  await drawer.getByRole('article', { name: 'second' }).getByRole('button', { name: 'Cancel' }).click();
  await drawer.getByRole('list', { name: 'Earlier jobs' }).getByRole('article', { name: 'second' }).waitFor();
  await atelier.server.idle();
  const states = (await atelier.server.jobs())
    .slice(0, 3)
    .map(({ settings, state }) => [settings.prompt, state]);
  expect(states).toEqual([
    ['third', 'succeeded'],
    ['second', 'cancelled'],
    ['first', 'succeeded'],
  ]);
  expect(atelier.complaints).toEqual([]);
});

test('two pages on one server show the same job and its pictures', async () => {
  const page = await atelier.open();
  const other = await atelier.open();
  await draw(page, 'a shared view', 100);
  await preview(other).waitFor();
  for (const each of [page, other]) await shown(each, 'a shared view').waitFor();
  await expect
    .poll(() => other.getByRole('button', { name: 'a shared view', exact: true }).count(), PATIENT)
    .toBe(1);
  expect(atelier.complaints).toEqual([]);
});

test('the page outlives a killed server, and shows what became of its job', async () => {
  const page = await atelier.open();
  await draw(page, 'a phoenix', 100);
  await preview(page).waitFor();
  await atelier.server.stop('SIGKILL');
  await page.getByText('Connection lost.').waitFor();
  await prompt(page).press('Control+Enter');
  await page.getByRole('alert').getByText('Atelier could not be reached.').waitFor();
  await atelier.server.start();
  await page.getByText('Connection lost.').waitFor({ state: 'detached' });
  await shown(page, 'a phoenix').waitFor({ timeout: 60_000 });
  const phoenixes = (await atelier.server.images()).filter(({ parameters }) =>
    parameters.startsWith('a phoenix'),
  );
  expect(phoenixes).toHaveLength(1);
  expect(await page.getByRole('button', { name: 'a phoenix', exact: true }).count()).toBe(1);
});

test('everything can be done with the keyboard alone', async () => {
  const page = await atelier.open();
  const focused = (): Promise<string> =>
    page.evaluate(
      () => document.activeElement?.getAttribute('id') ?? document.activeElement?.textContent ?? '',
    );
  const tabTo = async (id: string): Promise<void> => {
    for (let presses = 0; (await focused()) !== id; presses++) {
      if (presses > 60) throw new Error(`Tab never reaches #${id}.`);
      await page.keyboard.press('Tab');
    }
  };
  await tabTo('prompt');
  await page.keyboard.type('a kite');
  await tabTo('width');
  await page.keyboard.type('128');
  await tabTo('height');
  await page.keyboard.type('128');
  await tabTo('steps');
  await page.keyboard.press('ArrowUp');
  await tabTo('seed');
  await page.keyboard.type('5');
  await page.keyboard.press('Control+Enter');
  await shown(page, 'a kite').waitFor();
  const [job] = await atelier.server.jobs();
  expect(job?.settings).toMatchObject({ prompt: 'a kite', width: 128, height: 128, steps: 21, seed: 5 });

  await shown(page, 'a kite').focus();
  await page.keyboard.press('Enter');
  const box = page.getByRole('dialog', { name: 'Picture' });
  await box.getByText('128 × 128').waitFor();
  for (let presses = 0; presses < 15; presses++) {
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.closest('dialog') !== null)).toBe(true);
  }
  await page.keyboard.press('ArrowRight');
  await box.getByText('a kite').waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  await box.waitFor({ state: 'detached' });
  expect(await focused()).toBe(''); // back on the picture it was opened from
  expect(atelier.complaints).toEqual([]);
});

test('Esc stops the running job', async () => {
  const page = await atelier.open();
  await draw(page, 'too long', 150);
  await preview(page).waitFor();
  await page.keyboard.press('Escape');
  await stage(page).getByRole('heading', { name: 'Stopped' }).waitFor();
  expect((await atelier.server.jobs())[0]?.state).toBe('cancelled');
});

test('on a phone the prompt and Generate are under the thumb, and settings open above them', async () => {
  const page = await atelier.open(onPhone);
  const button = page.getByRole('button', { name: /^Generate/ });
  for (const part of [prompt(page), button]) {
    const box = await part.boundingBox();
    expect(box?.y ?? 0).toBeGreaterThan(SIZES.phone.height / 2);
    expect(box?.height ?? 0).toBeGreaterThanOrEqual(44);
  }
  expect(await steps(page).isVisible()).toBe(false);
  await page.getByRole('button', { name: /^Settings/ }).tap();
  await steps(page).fill('6');
  await prompt(page).fill('a small boat');
  await button.tap();
  await shown(page, 'a small boat').waitFor();
  expect(await steps(page).isVisible()).toBe(false);
  expect((await atelier.server.jobs())[0]?.settings).toMatchObject({ prompt: 'a small boat', steps: 6 });
  expect(atelier.complaints).toEqual([]);
});

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  test.each(Object.entries(SIZES))(
    'nobody stumbles on the page, the queue or a picture: %s',
    async (name, viewport) => {
      const page = await atelier.open({
        ...(name === 'phone' ? onPhone : {}),
        viewport,
        colorScheme,
        reducedMotion: 'reduce',
      });
      if ((await atelier.server.images()).length === 0) await draw(page, 'something to look at', 4);
      await download(page).waitFor();
      expect(await pageFaults(page)).toEqual([]);
      await page.getByRole('button', { name: /^Queue/ }).click();
      await page.getByRole('heading', { name: 'Earlier' }).waitFor();
      expect(await pageFaults(page)).toEqual([]);
      await page.keyboard.press('Escape');
      await stage(page)
        .getByRole('button', { name: /^Open the picture/ })
        .click();
      await page.getByRole('dialog', { name: 'Picture' }).getByText('Sampler').waitFor();
      expect(await pageFaults(page)).toEqual([]);
      expect(atelier.complaints).toEqual([]);
    },
  );
});
