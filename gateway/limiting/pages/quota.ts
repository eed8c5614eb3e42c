import { spokenDuration } from '../../error-page.ts'
import { escapeHtml, type Language } from '../../page.ts'
import { isLimited, type PolicyState, type QuotaState } from '../quota-state.ts'

export const quotaScriptPath = '/auth/quota.js'
export const quotaStylePath = '/auth/quota.css'

/** Free places that are listed; the others stand on the line alone. */
const mostListed = 5

const words = {
  fr: {
    title: 'Mes appels',
    intro: 'Chaque appel occupe une place, puis la libère quand sa durée est passée.',
    none: 'Aucune limite ne compte vos appels.',
    window: 'Fenêtre glissante de {duration}',
    running: 'En même temps',
    left: '{remaining} sur {quota} appels restants',
    limited: 'Quota atteint\u00a0: plus aucun appel pour le moment.',
    wait: 'Prochain appel possible dans',
    line: 'Places occupées, selon le moment où elles se libèrent',
    now: 'maintenant',
    in: 'dans {duration}',
    next: 'Prochaines places libres',
    more: 'et {count} de plus',
    free: 'Toutes les places sont libres.',
    still: 'Affichage de {time} UTC. Rechargez la page pour la mettre à jour.',
    live: 'En direct',
    away: 'Le direct est interrompu. Nouvel essai dans un instant…',
    degraded: 'Décompte approximatif\u00a0: une partie de la passerelle est absente un instant.',
  },
  en: {
    title: 'My calls',
    intro: 'Each call takes a place, and frees it when its time has passed.',
    none: 'No limit counts your calls.',
    window: 'Sliding window of {duration}',
    running: 'At the same time',
    left: '{remaining} of {quota} calls left',
    limited: 'Quota reached: no call passes for the moment.',
    wait: 'Your next call passes in',
    line: 'Places in use, by when they become free',
    now: 'now',
    in: 'in {duration}',
    next: 'Next free places',
    more: 'and {count} more',
    free: 'All places are free.',
    still: 'As of {time} UTC. Reload the page to update it.',
    live: 'Live',
    away: 'The live view is interrupted. Trying again in a moment…',
    degraded: 'Approximate count: a part of the gateway is away for a moment.',
  },
} as const

/** HTML for the head, and a section that is complete without a script, as of now; `quota.js` keeps it true. */
export function renderQuota(language: Language, state: QuotaState): { head: string; html: string } {
  const word = words[language]
  const { policies, at, isDegraded } = state
  const windows = policies.map((policy, i) => section(policy, i, Date.parse(at), language)).join('\n')
  return {
    head: `<link rel="stylesheet" href="${quotaStylePath}">\n<script src="${quotaScriptPath}" defer></script>`,
    html: `<section aria-labelledby="calls">
<h2 id="calls">${word.title}</h2>
<p class="fine">${word.intro}</p>
<p class="alert" id="degraded"${isDegraded ? '' : ' hidden'}>${word.degraded}</p>
<div id="quota" data-words="${escapeHtml(JSON.stringify(word))}" data-state="${escapeHtml(JSON.stringify(state))}">
${windows || `<p>${word.none}</p>`}
</div>
<p class="fine" id="live" role="status">${filled(word.still, { time: at.slice(11, 19) })}</p>
</section>`,
  }
}

function section(policy: PolicyState, i: number, nowMs: number, language: Language): string {
  const word = words[language]
  const { appliesTo, unit, windowSeconds, quota, remaining, resetSeconds } = policy
  const windowName = spokenDuration(Math.max(1, Math.ceil(windowSeconds)))
  const name = unit === 'requests' ? filled(word.window, { duration: windowName }) : word.running
  return `<section class="window" aria-labelledby="window-${i}"${isLimited(policy) ? ' data-limited' : ''}>
<h3 id="window-${i}">${escapeHtml(appliesTo === null ? name : `${name} · ${appliesTo}`)}</h3>
<div role="status"><p class="left"><strong>${remaining}</strong><span>${filled(word.left, { remaining: '', quota }).trim()}</span></p>
<p class="reached">${isLimited(policy) ? word.limited : ''}</p></div>
<p class="wait"${isLimited(policy) ? '' : ' hidden'}>${word.wait} <strong class="whole">${spokenDuration(resetSeconds)}</strong>.</p>
${unit === 'requests' ? places(policy, nowMs, windowName, language) : ''}
</section>`
}

/** The line is for the eye; what it says stands below in words. */
function places(
  { freeAt, windowSeconds, quota, remaining }: PolicyState,
  nowMs: number,
  windowName: string,
  language: Language,
): string {
  const word = words[language]
  const waitsMs = freeAt.map((time) => Math.max(0, Date.parse(time) - nowMs))
  const marks = waitsMs
    .map(
      (ms) =>
        `<rect x="${Math.min(100, ms / windowSeconds / 10).toFixed(2)}%" y="8" width="5" height="24" rx="2"/>`,
    )
    .join('')
  const listed = waitsMs.slice(0, mostListed).map((ms) => {
    const duration = spokenDuration(Math.max(1, Math.ceil(ms / 1000)))
    return `<li>${filled(word.in, { duration })}</li>`
  })
  const unlisted = listed.length === 0 ? 0 : quota - remaining - listed.length
  return `<figure aria-hidden="true"><figcaption>${word.line}</figcaption>
<svg class="line" width="100%" height="40"><line x1="0" y1="50%" x2="100%" y2="50%"/><g>${marks}</g></svg>
<div class="ends"><span>${word.now}</span><span>${filled(word.in, { duration: windowName })}</span></div></figure>
<h4>${word.next}</h4>
<p class="free"${remaining >= quota ? '' : ' hidden'}>${word.free}</p>
<ol class="next">${listed.join('')}</ol>
<p class="fine more">${unlisted > 0 ? filled(word.more, { count: unlisted }) : ''}</p>`
}

function filled(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''))
}
