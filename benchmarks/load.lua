-- wrk's side of a load: one POST request over and over, to several models in turn.
-- Arguments: file of the body, number of models (model, model1, model2, ...), then "Name: value" for each header.
local requests, at = {}, 0

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  wrk.method = "POST"
  wrk.body = file:read("*a")
  file:close()
  for i = 3, #arguments do
    local name, value = arguments[i]:match("^(.-): (.*)$")
    wrk.headers[name] = value
  end
  for i = 0, tonumber(arguments[2]) - 1 do
    local name = i == 0 and "model" or "model" .. i
    requests[i + 1] = wrk.format(nil, (wrk.path:gsub("/model([:/])", "/" .. name .. "%1")))
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "not_2xx": %d, "socket_errors": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
