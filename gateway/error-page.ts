import type { ErrorCode } from './errors.ts'
import { escapeHtml, type Language, renderPage } from './page.ts'
import type { Problem } from './problem.ts'

interface Said {
  readonly title: string
  readonly sentence: string
}

/** What a person in front of a browser reads in French, for every code. */
const french: Record<ErrorCode, Said> = {
  'invalid-request': {
    title: 'Demande invalide',
    sentence: 'La demande n’est pas du HTTP valide. Revenez à l’accueil et recommencez.',
  },
  'ambiguous-path': {
    title: 'Adresse ambiguë',
    sentence: 'Cette adresse peut se lire de plusieurs façons. Vérifiez-la.',
  },
  'ambiguous-credentials': {
    title: 'Identités contradictoires',
    sentence: 'La demande porte deux identités. Déconnectez-vous, puis reconnectez-vous.',
  },
  'invalid-body': {
    title: 'Contenu invalide',
    sentence: 'Ce que vous envoyez n’a pas les champs attendus.',
  },
  'key-missing': {
    title: 'En-tête manquant',
    sentence: 'Les appels se comptent ici par un en-tête qui n’a pas été envoyé.',
  },
  'invalid-code': {
    title: 'Code invalide',
    sentence: 'Ce code est faux, a déjà servi ou a expiré. Demandez-en un nouveau.',
  },
  unauthenticated: { title: 'Connexion nécessaire', sentence: 'Connectez-vous, puis recommencez.' },
  'invalid-credentials': {
    title: 'Adresse ou mot de passe faux',
    sentence: 'Cette adresse et ce mot de passe ne correspondent à aucun compte actif.',
  },
  'cross-site': {
    title: 'Formulaire refusé',
    sentence: 'Ce formulaire vient d’un autre site. Ouvrez la page elle-même et recommencez.',
  },
  'call-refused': {
    title: 'Demande refusée',
    sentence: 'Cette demande ne peut pas passer telle quelle. Vérifiez l’adresse.',
  },
  'not-found': { title: 'Page introuvable', sentence: 'Rien n’est servi à cette adresse.' },
  'method-not-allowed': {
    title: 'Méthode refusée',
    sentence: 'Cette adresse ne se demande pas de cette façon.',
  },
  'request-timeout': {
    title: 'Envoi trop lent',
    sentence: 'La demande n’est pas arrivée à temps. Recommencez.',
  },
  conflict: {
    title: 'Conflit',
    sentence: 'Cela ne peut pas se faire en l’état.',
  },
  'body-too-large': {
    title: 'Envoi trop lourd',
    sentence: 'Ce que vous envoyez dépasse la taille acceptée ici.',
  },
  'path-too-long': {
    title: 'Adresse trop longue',
    sentence: 'Cette adresse est trop longue. Raccourcissez-la.',
  },
  'unsupported-media-type': {
    title: 'Type non accepté',
    sentence: 'Ce type de contenu n’est pas accepté ici.',
  },
  'quota-exceeded': {
    title: 'Quota atteint',
    sentence:
      'Vous avez fait tous les appels permis pour le moment. Rien n’est perdu\u00a0: revenez quand le délai est passé.',
  },
  'abnormal-usage': {
    title: 'Trop d’appels refusés',
    sentence:
      'Vous avez continué malgré de nombreux refus. Attendez la fin du délai, puis appelez moins souvent.',
  },
  'too-many-attempts': {
    title: 'Trop d’essais manqués',
    sentence: 'Plusieurs essais ont échoué. Attendez la fin du délai, puis recommencez.',
  },
  'headers-too-large': {
    title: 'En-têtes trop lourds',
    sentence: 'Votre navigateur envoie trop d’en-têtes. Effacez les cookies de ce site et recommencez.',
  },
  'internal-error': {
    title: 'Erreur de la passerelle',
    sentence: 'La passerelle a échoué. L’exploitant retrouve cet incident par son numéro.',
  },
  'upstream-unreachable': {
    title: 'Service injoignable',
    sentence: 'Le service ne répond pas. Réessayez dans un instant.',
  },
  'upstream-broken': {
    title: 'Mauvaise réponse du service',
    sentence: 'Le service a répondu de travers. Réessayez dans un instant.',
  },
  'store-unavailable': {
    title: 'Momentanément indisponible',
    sentence: 'Une partie de la passerelle est absente un instant. Réessayez bientôt.',
  },
  'upstream-unavailable': {
    title: 'Service indisponible',
    sentence: 'Aucun serveur du service ne peut répondre. Réessayez dans un instant.',
  },
  overloaded: { title: 'Trop de monde', sentence: 'Trop de demandes en ce moment. Réessayez bientôt.' },
  'not-stored': {
    title: 'Réponse absente',
    sentence: 'La réponse n’est pas gardée ici, et vous n’en vouliez pas d’autre.',
  },
  'upstream-timeout': {
    title: 'Service trop lent',
    sentence: 'Le service n’a pas répondu à temps. Réessayez dans un instant.',
  },
}

/** English where the table's sentence speaks to programs; it serves people otherwise. */
const english: Partial<Record<ErrorCode, Said>> = {
  'quota-exceeded': {
    title: 'Quota reached',
    sentence:
      'You have made all the calls allowed for now. Nothing is lost: come back when the wait is over.',
  },
}

const words = {
  fr: {
    wait: 'Prochain appel possible dans',
    again: 'Le délai est passé.',
    retry: 'Réessayer',
    calls: 'Voir vos appels',
    home: 'Retour à l’accueil',
    request: 'Numéro de la demande',
    error: 'Erreur',
  },
  en: {
    wait: 'Your next call passes in',
    again: 'The wait is over.',
    retry: 'Try again',
    calls: 'See your calls',
    home: 'Back to the home page',
    request: 'Request number',
    error: 'Error',
  },
} as const

/** Served by the gateway beside the pages' style. */
export const countdownScriptPath = '/auth/countdown.js'

/** A plain page that says what happened, when to come back, and which number to give the operator. */
export function renderErrorPage(problem: Problem, language: Language): string {
  const { title, sentence } = (language === 'fr' ? french : english)[problem.code] ?? {
    title: problem.title,
    sentence: problem.detail,
  }
  const word = words[language]
  const wait =
    problem.retryAfterSeconds === undefined
      ? ''
      : `<p class="wait" data-seconds="${problem.retryAfterSeconds}">${word.wait} <strong class="whole">${spokenDuration(problem.retryAfterSeconds)}</strong>.</p>
<p id="again" role="status" data-sentence="${word.again}" data-link="${word.retry}"></p>`
  const calls = isAboutCalls(problem) ? ` · <a href="/auth/account#calls">${word.calls}</a>` : ''
  return renderPage({
    language,
    title,
    // The page is right without it, and stays so when it is read much later.
    head: wait === '' ? '' : `<script src="${countdownScriptPath}" defer></script>`,
    body: `<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(sentence)}</p>
${wait}
<p><a href="/">${word.home}</a>${calls}</p>
<p class="fine">${word.error} ${problem.status} · ${word.request} <span class="whole">${escapeHtml(problem.requestId)}</span></p>`,
  })
}

const isAboutCalls = ({ code }: Problem): boolean => code === 'quota-exceeded' || code === 'abnormal-usage'

/** `9 min 41 s`, read alike in both languages. */
export function spokenDuration(seconds: number): string {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60]
  const parts = [
    hours > 0 ? `${hours} h` : '',
    minutes > 0 ? `${minutes} min` : '',
    rest > 0 ? `${rest} s` : '',
  ]
  return parts.filter((part) => part !== '').join(' ') || '0 s'
}
