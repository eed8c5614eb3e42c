import { expect, it } from 'vitest'
import { describeDevice } from './describe-device.ts'

const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)'

it.each([
  ['Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0', 'Firefox (Linux)'],
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/141.0.0.0 Safari/537.36`, 'Chrome (Windows)'],
  [
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0`,
    'Edge (Windows)',
  ],
  [`Mozilla/5.0 (Linux; Android 10; K) ${webkit} Chrome/141.0.0.0 Mobile Safari/537.36`, 'Chrome (Android)'],
  [
    `Mozilla/5.0 (Linux; Android 10; K) ${webkit} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36`,
    'Samsung Internet (Android)',
  ],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15',
    'Safari (macOS)',
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/141.0 Mobile/15E148 Safari/604.1',
    'Chrome (iPhone)',
  ],
  [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${webkit} Chrome/141.0.0.0 Safari/537.36`, 'Chrome (ChromeOS)'],
  ['curl/8.14.1', 'curl'],
  ['SomeApp/1.0 (Android)', 'Android'],
])('names what %s is', (userAgent, device) => {
  expect(describeDevice(userAgent)).toBe(device)
})

it.each([undefined, '', 'node', '<script>alert(1)</script>', '\u0000'.repeat(1_000_000)])(
  'says nothing of a client that it does not know',
  (userAgent) => {
    expect(describeDevice(userAgent)).toBe(null)
  },
)

it('repeats nothing that a client made up, and looks at no more than its beginning', () => {
  expect(describeDevice('<b>Firefox/1</b> Linux"onload=')).toBe('Firefox (Linux)')
  expect(describeDevice(`${'x'.repeat(300)} Firefox/143.0`)).toBe(null)
})
