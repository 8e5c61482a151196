import type { Page } from 'playwright-core';

/**
 * What a person with a screen reader or weak eyes would stumble over: controls and pictures without a name, ids used
 * twice, text of too little contrast (WCAG 2.2 AA: 4.5 : 1, large text 3 : 1), a page or panel wider than its room.
 */
export const pageFaults = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const faults: string[] = [];
    const visible = (element: Element): boolean =>
      element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    const describe = (element: Element): string =>
      `<${element.tagName.toLowerCase()} class="${element.className}">`;

    for (const element of document.querySelectorAll(
      'button, a[href], input, select, textarea, dialog, [role]',
    )) {
      if (visible(element) && nameOf(element) === '') faults.push(`no name: ${describe(element)}`);
    }
    for (const image of document.querySelectorAll('img:not([alt])'))
      faults.push(`no alt: ${describe(image)}`);
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    for (const id of ids.filter((other, index) => ids.indexOf(other) !== index))
      faults.push(`id twice: ${id}`);
    if (document.documentElement.lang === '') faults.push('no language');
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth > clientWidth) faults.push(`${scrollWidth} px wide in a window of ${clientWidth} px`);
    // Strips of pictures and prompts scroll sideways on purpose; they are lists.
    for (const element of document.querySelectorAll('main, main *, dialog, dialog *')) {
      const scrolls = ['auto', 'scroll'].includes(getComputedStyle(element).overflowX);
      if (scrolls && !element.matches('ul, textarea') && element.scrollWidth > element.clientWidth + 1) {
        faults.push(`${element.scrollWidth - element.clientWidth} px cut off: ${describe(element)}`);
      }
    }
    for (const element of document.querySelectorAll('body *')) {
      if (visible(element) && hasText(element) && !isDisabled(element)) checkContrast(element);
    }
    return faults;

    function nameOf(element: Element): string {
      const labels = 'labels' in element ? [...((element as HTMLInputElement).labels ?? [])] : [];
      const referred = element.getAttribute('aria-labelledby')?.split(' ') ?? [];
      const sources = [...labels, ...referred.map((id) => document.getElementById(id))];
      const texts = sources.map((source) => source?.textContent ?? '');
      const inside = [...element.querySelectorAll('img')].map(({ alt }) => alt);
      const own = element.matches('input, select, textarea') ? '' : (element.textContent ?? '');
      // A live region has no name of its own; what it says is its text.
      const live = element.matches('[role=status], [role=alert], [aria-live]') ? 'live' : '';
      return [element.getAttribute('aria-label') ?? '', ...texts, own, ...inside, live].join('').trim();
    }
    function hasText(element: Element): boolean {
      if (element.closest('.offscreen, select, svg, noscript') !== null) return false;
      return [...element.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && /\S/.test(node.nodeValue ?? ''),
      );
    }
    function isDisabled(element: Element): boolean {
      return element.closest(':disabled') !== null;
    }
    function checkContrast(element: Element): void {
      const style = getComputedStyle(element);
      const clip = style.clipPath !== 'none';
      if (clip) return;
      const paper = backgroundOf(element);
      const ink = over(rgba(style.color), paper);
      const [light, dark] = [luminance(ink), luminance(paper)].sort((a, b) => b - a) as [number, number];
      const ratio = (light + 0.05) / (dark + 0.05);
      const isLarge =
        parseFloat(style.fontSize) >= 24 ||
        (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (isLarge ? 3 : 4.5)) {
        faults.push(
          `contrast ${ratio.toFixed(2)}: ${describe(element)} “${element.textContent?.trim().slice(0, 40)}”`,
        );
      }
    }
    function backgroundOf(element: Element | null): number[] {
      if (element === null) return [255, 255, 255, 1];
      const colour = rgba(getComputedStyle(element).backgroundColor);
      return colour[3] === 1
        ? colour
        : over(colour, backgroundOf(element.matches('dialog') ? null : element.parentElement));
    }
    function over(top: number[], bottom: number[]): number[] {
      const alpha = top[3] ?? 1;
      return [0, 1, 2].map((i) => (top[i] ?? 0) * alpha + (bottom[i] ?? 0) * (1 - alpha)).concat(1);
    }
    /** Any CSS colour as red, green, blue (0…255) and alpha (0…1): the canvas knows them all. */
    function rgba(colour: string): number[] {
      const context = new OffscreenCanvas(1, 1).getContext('2d');
      if (context === null) throw new Error('No canvas.');
      context.fillStyle = colour;
      context.fillRect(0, 0, 1, 1);
      const [r = 0, g = 0, b = 0, a = 0] = context.getImageData(0, 0, 1, 1).data;
      return [r, g, b, a / 255];
    }
    /** Relative luminance, WCAG 2.2. */
    function luminance(colour: number[]): number {
      const [r = 0, g = 0, b = 0] = colour.map((value) => {
        const share = value / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    }
  });
