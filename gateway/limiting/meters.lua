-- The four ways to count, and what they share. Put before admit.lua, settle.lua and replay.lua.
-- Times are microseconds. A key that holds what it should not is deleted and counted anew.

local function microseconds(argument)
  local now = tonumber(argument)
  if now ~= 0 then return now end
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function as_text(number)
  return string.format('%.0f', number)
end

local function expire(key, in_microseconds)
  redis.call('PEXPIRE', key, as_text(math.max(1, math.ceil(in_microseconds / 1000))))
end

-- A read that heals: false for what is missing, and after the deletion of a key of the wrong type.
local function read(key, ...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then
    redis.call('DEL', key)
    return false
  end
  return answer
end

-- Each meter: look(key, now, quota, window, cost, burst) -> free places, microseconds until one more is
-- free or, when `cost` does not fit, until it does; take(key, now, window, cost, quota, lease) -> receipt;
-- give_back(key, now, window, cost, quota, receipt, lease).

local log = {}

-- The time at an index of the list, newest first; nil when there is none or it is no number.
local function time_at(key, index)
  local entry = read(key, 'LINDEX', key, index)
  if not entry then return nil end
  local time = tonumber(entry)
  if not time then redis.call('DEL', key) end
  return time
end

-- Moves a log back with a clock that stepped back: the newest call becomes now, the distances stay.
-- Nobody is admitted twice, and nobody waits longer than one window.
local function rebase(key, step, window)
  local entries = redis.call('LRANGE', key, 0, -1)
  redis.call('DEL', key)
  for _, entry in ipairs(entries) do
    local time = tonumber(entry)
    if time then redis.call('RPUSH', key, as_text(time - step)) end
  end
  expire(key, window)
end

-- What this script knows of each log it has looked at. Nobody else changes one meanwhile, and time stands still, so that of
-- calls that share a window (an address of many, a budget of all) only the first asks for what is in it.
local known = {}

-- Forgets what has left the window, and heals what the clock or a stranger did.
local function read_log(key, now, window)
  local newest = time_at(key, 0)
  if not newest then return { window = window, newest = 0, used = 0 } end
  if newest <= now - window then
    redis.call('DEL', key)
    return { window = window, newest = newest, used = 0 }
  end
  -- Calls of one instant are told apart by a microsecond each, so a little ahead is no step back.
  if newest > now + 1000000 then
    rebase(key, newest - now, window)
    newest = now
  end
  local oldest = time_at(key, -1)
  while oldest and oldest <= now - window do
    redis.call('RPOP', key)
    oldest = time_at(key, -1)
  end
  return { window = window, newest = newest, oldest = oldest, used = oldest and redis.call('LLEN', key) or 0 }
end

function log.look(key, now, quota, window, cost)
  local entries = known[key]
  if not entries or entries.window ~= window then
    entries = read_log(key, now, window)
    known[key] = entries
  end
  if entries.used == 0 then return quota, cost <= quota and 0 or window end
  local free = math.max(0, quota - entries.used)
  if cost <= free then return free, entries.oldest + window - now end
  if cost > quota then return free, window end
  local must_go = time_at(key, quota - cost)
  if not must_go then
    known[key] = nil
    return quota, 0
  end
  return free, must_go + window - now
end

function log.take(key, now, window, cost)
  local entries = known[key] or { newest = time_at(key, 0) or 0, used = 0 }
  local receipt = math.max(now, entries.newest + 1)
  for place = 0, cost - 1 do redis.call('LPUSH', key, as_text(receipt + place)) end
  if entries.used == 0 then entries.oldest = receipt end
  entries.newest, entries.used = receipt + cost - 1, entries.used + cost
  local kept_ms = math.ceil((receipt + cost - now + window) / 1000)
  if entries.kept_ms ~= kept_ms then expire(key, receipt + cost - now + window) end
  entries.kept_ms = kept_ms
  return receipt
end

-- To be told when a log was changed in another way.
function log.forget(key)
  known[key] = nil
end

function log.give_back(key, _, _, cost, _, receipt)
  log.forget(key)
  for place = 0, cost - 1 do read(key, 'LREM', key, 1, as_text(receipt + place)) end
end

local counter = {}

-- Calls of this bucket of time and of the one before, and how much of this one has passed.
local function buckets(key, now, window)
  local index = math.floor(now / window)
  local kept = read(key, 'HMGET', key, 'bucket', 'calls', 'before')
  local bucket, calls, before = tonumber(kept and kept[1] or nil), tonumber(kept and kept[2] or nil), tonumber(kept and kept[3] or nil)
  if not bucket or not calls or not before or bucket < index - 1 then return index, 0, 0, now - index * window end
  if bucket == index - 1 then return index, 0, calls, now - index * window end
  return index, calls, before, now - index * window
end

function counter.look(key, now, quota, window, cost)
  local _, calls, before, passed = buckets(key, now, window)
  local used = before * (window - passed) / window + calls
  local free = math.max(0, math.floor(quota - used))
  if used == 0 then return quota, cost <= quota and 0 or window end
  local target = quota - (cost <= free and free + 1 or cost)
  if target < 0 then return free, window end
  if calls <= target and before > 0 then
    return free, math.max(1, math.ceil(window * (1 - (target - calls) / before) - passed))
  end
  local after = calls > target and window * (1 - target / calls) or 0
  return free, math.max(1, math.ceil(window - passed + after))
end

function counter.take(key, now, window, cost)
  local index, calls, before = buckets(key, now, window)
  redis.call('HSET', key, 'bucket', as_text(index), 'calls', as_text(calls + cost), 'before', as_text(before))
  expire(key, 2 * window)
  return now
end

function counter.give_back(key, _, window, cost, _, receipt)
  local bucket = tonumber(read(key, 'HGET', key, 'bucket') or nil)
  local then_index = math.floor(receipt / window)
  local field = bucket == then_index and 'calls' or bucket == then_index + 1 and 'before' or nil
  if field then redis.call('HINCRBY', key, field, -cost) end
end

local gcra = {}

-- When the next call of an even flow would be due; never further ahead than a full burst.
local function due(key, now, tolerance)
  local time = tonumber(read(key, 'GET', key) or nil) or now
  return math.min(math.max(time, now), now + tolerance)
end

function gcra.look(key, now, quota, window, cost, burst)
  local step = window / quota
  local tolerance = burst * step
  local ahead = due(key, now, tolerance) - now
  local free = math.floor((tolerance - ahead) / step + 1e-6)
  if cost > burst then return free, window end
  local wanted = cost <= free and free + 1 or cost
  if wanted > burst then return free, 0 end
  return free, math.max(1, math.ceil(ahead + wanted * step - tolerance))
end

function gcra.take(key, now, window, cost, quota, _, burst)
  local step = window / quota
  local next_due = due(key, now, burst * step) + cost * step
  redis.call('SET', key, as_text(next_due), 'PX', as_text(math.max(1, math.ceil((next_due - now) / 1000))))
  return now
end

function gcra.give_back(key, now, window, cost, quota)
  local time = tonumber(read(key, 'GET', key) or nil)
  if not time then return end
  local earlier = time - cost * window / quota
  if earlier <= now then redis.call('DEL', key) else redis.call('SET', key, as_text(earlier), 'KEEPTTL') end
end

local concurrent = {}

-- Nobody knows when a running call ends, so who finds no room is told to ask again in a second.
local ask_again = 1000000

function concurrent.look(key, now, quota, _, cost)
  read(key, 'ZREMRANGEBYSCORE', key, '-inf', as_text(now))
  local free = math.max(0, quota - (read(key, 'ZCARD', key) or 0))
  if free == quota then return free, cost <= quota and 0 or ask_again end
  return free, ask_again
end

function concurrent.take(key, now, window, cost, _, lease)
  for place = 1, cost do redis.call('ZADD', key, as_text(now + window), lease .. '/' .. place) end
  expire(key, window)
  return now
end

function concurrent.give_back(key, _, _, cost, _, _, lease)
  for place = 1, cost do read(key, 'ZREM', key, lease .. '/' .. place) end
end

local meters = { log = log, counter = counter, gcra = gcra, concurrent = concurrent }
