-- Decides a batch of calls, one after the other, each all or nothing: the session is alive and every
-- enforced window has room, then the call is counted in all of them; else in none.
--
-- KEYS   for each call: its session key (when it has one), then for each window its meter and its
--        adjustment (a hash with boost and ban)
-- ARGV   1: the time in microseconds, or 0 to ask Redis (tests hand in their own)
--        2: for each call `shape` or `shape:lease`, and a space: which of the shapes below, from 1, and the
--        name of its lease
--        3 and on: the shapes. First line `session purpose`: 1 when the call has a session else 0; 1 to
--        count it, 2 to count it only when denied (it has found no room elsewhere), 0 to look. Then a
--        line for each window, its specification
-- reply  one text of numbers: for each call 0 session ended | 1 allowed | 2 denied, then n times: 1 when
--        the window had room else 0, 1 when banned else 0, quota with boost, free places left,
--        microseconds until one more is free or until the call has room, receipt
--
-- A specification is `algorithm window burst shadow countsDenied banAfter banFor banAtMost quota cost`.

local now = microseconds(ARGV[1])

local function specification(text)
  local algorithm, window, burst, shadow, counts_denied, ban_after, ban_for, ban_at_most, quota, cost =
    string.match(text, '^(%a+) (%d+) (%d+) (%d) (%d) (%d+) (%d+) (%d+) (%d+) (%d+)$')
  return {
    quota = tonumber(quota), cost = tonumber(cost),
    name = algorithm, meter = meters[algorithm], window = tonumber(window), burst = tonumber(burst),
    is_shadow = shadow == '1', counts_denied = counts_denied == '1',
    ban_after = tonumber(ban_after), ban_for = tonumber(ban_for), ban_at_most = tonumber(ban_at_most),
  }
end

local shapes = {}
for i = 3, #ARGV do
  local lines = string.gmatch(ARGV[i], '[^\n]+')
  local has_session, purpose = string.match(lines(), '^(%d) (%d)$')
  local shape = { has_session = has_session == '1', purpose = purpose, specifications = {} }
  for line in lines do table.insert(shape.specifications, specification(line)) end
  shapes[i - 2] = shape
end

-- Calls of one batch often ask for the same.
local existing = {}

local function exists(key)
  if existing[key] == nil then existing[key] = redis.call('EXISTS', key) == 1 end
  return existing[key]
end

local function look_at(window)
  local spec = window.spec
  -- Nearly nobody is boosted or banned.
  local adjusted = exists(window.adjustment)
    and read(window.adjustment, 'HMGET', window.adjustment, 'quota', 'quotaUntil', 'bannedUntil')
  if adjusted then
    if (tonumber(adjusted[2] or nil) or 0) > now then window.quota = tonumber(adjusted[1] or nil) or window.quota end
    local banned_until = tonumber(adjusted[3] or nil) or 0
    if banned_until > now then
      window.free, window.reset, window.is_banned, window.has_room = 0, banned_until - now, true, false
      return
    end
  end
  local burst = math.min(spec.burst, window.quota)
  window.free, window.reset = spec.meter.look(window.key, now, window.quota, spec.window, window.cost, burst)
  window.has_room = window.free >= window.cost
end

local function take(window, lease)
  local spec = window.spec
  local burst = math.min(spec.burst, window.quota)
  window.receipt = spec.meter.take(window.key, now, spec.window, window.cost, window.quota, lease, burst)
end

local function count(window, lease)
  take(window, lease)
  window.free = window.free - window.cost
  -- Told at once to whoever watches this subject; its name stands between the braces.
  if window.free <= 0 and not window.spec.is_shadow then
    redis.call('PUBLISH', 'guichet:limits', 'exhausted ' .. string.match(window.key, '{(.-)}'))
  end
  if window.reset == 0 then
    if window.spec.name == 'gcra' then window.reset = math.ceil(window.spec.window / window.quota)
    elseif window.spec.name == 'concurrent' then window.reset = 1000000
    else window.reset = window.spec.window end
  end
end

-- A denial that counts takes a place, and the newest denials are as many as the quota.
local function count_denied(window)
  if not window.spec.counts_denied or window.spec.name == 'concurrent' then return end
  take(window, '')
  if window.spec.name == 'log' then
    redis.call('LTRIM', window.key, 0, math.max(window.quota, window.cost) - 1)
    log.forget(window.key)
  end
  local _, reset = window.spec.meter.look(window.key, now, window.quota, window.spec.window, window.cost, window.spec.burst)
  window.reset = reset
end

local function ban_when_too_many(window)
  local spec, key = window.spec, window.adjustment
  if spec.ban_after == 0 or window.is_banned then return end
  local kept = read(key, 'HMGET', key, 'denials', 'denialsSince', 'bans')
  local denials, since, bans = 0, now, 0
  if kept then
    denials, since, bans = tonumber(kept[1] or nil) or 0, tonumber(kept[2] or nil) or now, tonumber(kept[3] or nil) or 0
  end
  if since <= now - spec.window then denials, since = 0, now end
  denials = denials + 1
  local keep_for = spec.window
  if denials >= spec.ban_after then
    local ban_for = math.min(spec.ban_at_most, spec.ban_for * 2 ^ math.min(bans, 40))
    redis.call('HSET', key, 'bannedUntil', as_text(now + ban_for), 'bans', as_text(bans + 1))
    denials, keep_for = 0, ban_for + spec.ban_at_most
    window.reset, window.is_banned, window.free = ban_for, true, 0
  end
  redis.call('HSET', key, 'denials', as_text(denials), 'denialsSince', as_text(since))
  existing[key] = true
  if redis.call('PTTL', key) * 1000 < keep_for then expire(key, keep_for) end
end

local reply = {}
local next_key = 1
for place, lease in string.gmatch(ARGV[2], '(%d+):?(%S*) ') do
  local shape = shapes[tonumber(place)]
  local purpose = shape.purpose
  local status = 1
  if shape.has_session then
    if not exists(KEYS[next_key]) then status = 0 end
    next_key = next_key + 1
  end

  local windows = {}
  for i, spec in ipairs(shape.specifications) do
    local window = {
      key = KEYS[next_key], adjustment = KEYS[next_key + 1], spec = spec, quota = spec.quota, cost = spec.cost,
      has_room = false, is_banned = false, free = 0, reset = 0, receipt = 0,
    }
    windows[i] = window
    next_key = next_key + 2
    if status ~= 0 then
      look_at(window)
      if not window.has_room and not window.spec.is_shadow then status = 2 end
    end
  end

  if purpose == '1' and status == 1 then
    for _, window in ipairs(windows) do
      if window.has_room then count(window, lease) end
    end
  elseif purpose ~= '0' and status == 2 then
    for _, window in ipairs(windows) do
      if not window.has_room and not window.spec.is_shadow then
        count_denied(window)
        ban_when_too_many(window)
      end
    end
  end

  reply[#reply + 1] = status
  for _, window in ipairs(windows) do
    reply[#reply + 1] = window.has_room and 1 or 0
    reply[#reply + 1] = window.is_banned and 1 or 0
    reply[#reply + 1] = window.quota
    reply[#reply + 1] = window.free
    reply[#reply + 1] = window.reset
    -- A time in microseconds is longer than what Lua writes of a number by itself.
    reply[#reply + 1] = window.receipt == 0 and 0 or as_text(window.receipt)
  end
end
return table.concat(reply, ' ')
