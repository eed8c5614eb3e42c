import { type Browser, chromium, type Page } from 'playwright-core'

/** Chromium, silent towards the rest of the world. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
      ...['--disable-sync', '--no-first-run', '--disable-quic'],
    ],
  })
}

const furthest = 60

/**
 * Presses Tab until the link or button with this name has the focus.
 *
 * @throws Error with all that had the focus, when none of them has this name.
 */
export async function focusByKeyboard(page: Page, name: string): Promise<void> {
  const passed: string[] = []
  for (let press = 0; press < furthest; press++) {
    await page.keyboard.press('Tab')
    const focused = await page.evaluate<string>("document.activeElement?.textContent?.trim() ?? ''")
    if (focused === name) return
    passed.push(focused)
  }
  throw new Error(`no ${JSON.stringify(name)} under the Tab key on ${page.url()}: ${passed.join(' | ')}`)
}

/** The same, then Enter, and waits for the page it leads to. */
export async function followByKeyboard(page: Page, name: string): Promise<void> {
  await focusByKeyboard(page, name)
  await submitByKeyboard(page)
}

/** Types into the field that has the focus, and into those that follow under the Tab key; then Enter. */
export async function fillByKeyboard(page: Page, ...texts: string[]): Promise<void> {
  // The field that a page chooses gets the focus a moment after the page.
  await page.waitForFunction("document.activeElement.matches('input, textarea')")
  for (const [index, text] of texts.entries()) {
    if (index > 0) await page.keyboard.press('Tab')
    await page.keyboard.type(text)
  }
  await submitByKeyboard(page)
}

export async function submitByKeyboard(page: Page): Promise<void> {
  // A navigation that begins from now on: the load of the page before may be told late.
  const arrived = page.waitForNavigation({ waitUntil: 'load' })
  await page.keyboard.press('Enter')
  await arrived
}

/** The status of every page and of everything pages asked for, from now on. */
export function watchAnswers(page: Page): { documents: number[]; others: number[] } {
  const seen = { documents: [] as number[], others: [] as number[] }
  page.on('response', (response) => {
    const kind = response.request().resourceType() === 'document' ? 'documents' : 'others'
    // A redirect is on the way to a page, not a page.
    if (response.status() < 300 || response.status() > 399) seen[kind].push(response.status())
  })
  return seen
}
