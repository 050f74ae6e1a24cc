package function

import (
	"encoding/json"
	"strings"
	"sync"

	"github.com/ua-parser/uap-go/uaparser"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// agentFuncs read user agents, with the patterns of uap-core: the documented answers name families that only those give.
var agentFuncs = []Func{
	{Name: "parse_user_agent", Signatures: []string{"text, value -> dynamic"}, Undocumented: []string{"text"}, Go: goUserAgent, Doc: "parse-user-agent-function"},
}

// agents compiles the patterns when they are first asked for. The parser keeps what it has read of late.
var agents = sync.OnceValue(uaparser.NewFromSaved)

// agentParts are what may be asked for, in the order of the answer.
var agentParts = []struct {
	ask, name string
	read      func(p *uaparser.Parser, agent string) json.RawMessage
}{
	{"browser", "Browser", func(p *uaparser.Parser, agent string) json.RawMessage {
		b := p.ParseUserAgent(agent)
		return record("Family", b.Family, "MajorVersion", b.Major, "MinorVersion", b.Minor, "Patch", b.Patch)
	}},
	{"os", "OperatingSystem", func(p *uaparser.Parser, agent string) json.RawMessage {
		o := p.ParseOs(agent)
		return record("Family", o.Family, "MajorVersion", o.Major, "MinorVersion", o.Minor, "Patch", o.Patch, "PatchMinor", o.PatchMinor)
	}},
	{"device", "Device", func(p *uaparser.Parser, agent string) json.RawMessage {
		d := p.ParseDevice(agent)
		return record("Family", d.Family, "Brand", d.Brand, "Model", d.Model)
	}},
}

// record is a bag of texts, given as names and values.
func record(pairs ...string) json.RawMessage {
	text, _ := texts(pairs...).json().(json.RawMessage)
	return text
}

func goUserAgent(args []schema.Value) (schema.Value, error) {
	asked, isList := elements(args[1])
	if !isList {
		asked = []json.RawMessage{element(args[1])}
	}
	wanted := map[string]bool{}
	for _, a := range asked {
		wanted[strings.ToLower(text(a))] = true
	}
	out := bag{values: map[string]json.RawMessage{}}
	for _, part := range agentParts {
		if wanted[part.ask] {
			out.set(part.name, part.read(agents(), args[0].(string)), true)
			delete(wanted, part.ask)
		}
	}
	if len(wanted) > 0 || len(out.keys) == 0 {
		return nil, Refused("parse_user_agent of anything but browser, os and device")
	}
	return out.json(), nil
}
