/** What the page says, in its two languages. */
const words = {
  fr: {
    subtitle: 'tableau de bord',
    otherLanguage: 'English',
    forget: 'Oublier le jeton',
    loginTitle: 'Accès administrateur',
    loginHelp: 'Le jeton est la valeur de GUICHET_ADMIN_TOKEN, ou celui affiché au démarrage.',
    token: 'Jeton',
    open: 'Ouvrir',
    now: 'En ce moment',
    requestRate: 'requêtes par seconde',
    deniedShare: 'appels refusés',
    sessions: 'sessions ouvertes',
    pending: 'appels en attente de comptage',
    services: 'Services les plus utilisés',
    topLogins: 'Le plus de connexions (3 jours)',
    recentLogins: 'Derniers connectés',
    leastActive: 'Comptes les moins actifs',
    decisions: 'Décisions par règle',
    stores: 'Santé',
    lastCalls: 'Derniers appels',
    time: 'Heure',
    caller: 'Appelant',
    service: 'Service',
    call: 'Appel',
    status: 'Statut',
    duration: 'Durée',
    allowed: 'acceptés',
    near: 'presque à la limite',
    denied: 'refusés',
    shadow_denied: 'refusés à blanc',
    up: 'répond',
    down: 'absent',
    anonymous: 'anonyme',
    gone: 'compte supprimé',
    nothing: 'Rien pour le moment.',
    unavailable: 'Indisponible pour le moment.',
    updated: 'Mis à jour à',
    wrongToken: 'Ce jeton est refusé. Copiez celui affiché au démarrage, ou GUICHET_ADMIN_TOKEN.',
    unreachable: 'La passerelle ne répond pas. Nouvel essai dans 5 secondes.',
  },
  en: {
    subtitle: 'dashboard',
    otherLanguage: 'Français',
    forget: 'Forget the token',
    loginTitle: 'Administrator access',
    loginHelp: 'The token is the value of GUICHET_ADMIN_TOKEN, or the one printed at start.',
    token: 'Token',
    open: 'Open',
    now: 'Right now',
    requestRate: 'requests per second',
    deniedShare: 'calls denied',
    sessions: 'live sessions',
    pending: 'calls waiting to be counted',
    services: 'Most used services',
    topLogins: 'Most logins (3 days)',
    recentLogins: 'Last to log in',
    leastActive: 'Least active accounts',
    decisions: 'Decisions by policy',
    stores: 'Health',
    lastCalls: 'Last calls',
    time: 'Time',
    caller: 'Caller',
    service: 'Service',
    call: 'Call',
    status: 'Status',
    duration: 'Duration',
    allowed: 'allowed',
    near: 'near the limit',
    denied: 'denied',
    shadow_denied: 'shadow-denied',
    up: 'up',
    down: 'down',
    anonymous: 'anonymous',
    gone: 'deleted account',
    nothing: 'Nothing yet.',
    unavailable: 'Not available right now.',
    updated: 'Updated at',
    wrongToken: 'This token is refused. Copy the one printed at start, or GUICHET_ADMIN_TOKEN.',
    unreachable: 'The gateway does not answer. Next try in 5 seconds.',
  },
}

let language = localStorage.getItem('language') ?? (navigator.language.startsWith('fr') ? 'fr' : 'en')

export const currentLanguage = () => (language === 'fr' ? 'fr' : 'en')

/** Days before months, and 24 hours, in both. */
export const locale = () => (currentLanguage() === 'fr' ? 'fr-FR' : 'en-GB')

export function useOtherLanguage() {
  language = currentLanguage() === 'fr' ? 'en' : 'fr'
  localStorage.setItem('language', language)
}

export const word = (key) => words[currentLanguage()][key] ?? key
