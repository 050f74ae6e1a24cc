// Package simulate owns the synthetic tenant: people with their habits, one incident, the evidence that Entra would
// have logged of both, and the answer key. The same seed gives the same bytes.
package simulate

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"time"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/tables"
)

// Options choose a tenant.
type Options struct {
	Seed uint64
	// Users is how many people the tenant has besides the victim; 11 when zero.
	Users int
	// Days is how long the evidence is; 14 when zero.
	Days int
	// End is the end of the evidence; 2026-03-21T09:30:00Z when zero.
	End time.Time
}

// Tenant is a generated tenant with its evidence.
type Tenant struct {
	Domain string
	rows   map[string][]row // by table, in the order of arrival
	tables []schema.Table
	Key    AnswerKey
	nets   []namedNetwork
}

type namedNetwork struct{ name, cidr string }

// AnswerKey says what is in the evidence. The shape is the command line's contract.
type AnswerKey struct {
	SchemaVersion int        `json:"schema_version"`
	Seed          uint64     `json:"seed"`
	Incidents     []Incident `json:"incidents"`
	Benign        []Benign   `json:"benign"`
}

// Incident is one attack with every row it left.
type Incident struct {
	ID         string              `json:"id"`
	User       string              `json:"user"`
	Scenario   string              `json:"scenario"`
	Detectable bool                `json:"detectable"`
	SourceIPs  []string            `json:"source_ips"`
	First      time.Time           `json:"first"`
	Last       time.Time           `json:"last"`
	EventIDs   map[string][]string `json:"event_ids"`
}

// Benign is a user to whom nothing happened, with what makes the user hard.
type Benign struct {
	User       string `json:"user"`
	Population string `json:"population"`
}

type generator struct {
	rng      *rand.Rand
	opt      Options
	t        *Tenant
	tenantID string
	start    time.Time
	office   network
	vpn      network
	used     map[string]bool
	people   []*person
}

// Generate makes a tenant.
func Generate(opt Options) (*Tenant, error) {
	if opt.Users == 0 {
		opt.Users = 11
	}
	if opt.Days == 0 {
		opt.Days = 14
	}
	if opt.End.IsZero() {
		opt.End = time.Date(2026, 3, 21, 9, 30, 0, 0, time.UTC)
	}
	if opt.Users < 1 || opt.Users > 10000 || opt.Days < 7 || opt.Days > 365 {
		return nil, fmt.Errorf("a tenant has 1 to 10000 users and 7 to 365 days, not %d and %d", opt.Users, opt.Days)
	}
	all, err := schema.Load(tables.FS)
	if err != nil {
		return nil, err
	}
	g := &generator{rng: rand.New(rand.NewPCG(opt.Seed, 0x7265706c6179)), opt: opt, used: map[string]bool{}}
	g.start = opt.End.Truncate(24*time.Hour).AddDate(0, 0, -opt.Days)
	g.t = &Tenant{rows: map[string][]row{}, tables: all}
	g.t.Key = AnswerKey{SchemaVersion: 1, Seed: opt.Seed, Benign: []Benign{}}
	g.tenantID = g.guid()
	g.t.Domain = pick(g, companies) + pick(g, []string{".example", ".test", ".example.com", ".example.net"})
	g.office = g.network("office", "GB")
	g.vpn = g.network("vpn", "GB")
	g.t.nets = []namedNetwork{{"Head office", g.office.cidr()}, {"VPN", g.vpn.cidr()}}
	g.makePeople()
	for _, p := range g.people {
		g.live(p)
	}
	g.attack(g.people[0])
	g.auditNoise()
	for _, name := range sortedTables(g.t.rows) {
		rows := g.t.rows[name]
		g.emitCopies(name, &rows)
		sort.SliceStable(rows, func(i, j int) bool { return rows[i].arrival.Before(rows[j].arrival) })
		g.t.rows[name] = rows
	}
	return g.t, nil
}

func sortedTables(m map[string][]row) []string {
	var names []string
	for k := range m {
		names = append(names, k)
	}
	sort.Strings(names)
	return names
}

func pick[T any](g *generator, list []T) T { return list[g.rng.IntN(len(list))] }

func (g *generator) between(lo, hi int) int { return lo + g.rng.IntN(hi-lo+1) }

func (g *generator) chance(p float64) bool { return g.rng.Float64() < p }

func (g *generator) guidBytes() (b [16]byte) {
	for i := range b {
		b[i] = byte(g.rng.UintN(256))
	}
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return b
}

func guidText(b [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

func (g *generator) guid() string { return guidText(g.guidBytes()) }

// network is a place on the internet.
type network struct {
	prefix  string // the first three numbers of an IPv4 address, or the first four groups of an IPv6 one
	six     bool
	asn     int
	country string
	city    string
}

func (n network) cidr() string {
	if n.six {
		return n.prefix + "::/64"
	}
	return n.prefix + ".0/24"
}

// asnOf are ranges of autonomous system numbers by the kind of network; which one is drawn depends on the seed.
var asnOf = map[string][]int{
	"office": {2856, 5089, 8468, 12390, 20712}, "home": {2856, 5089, 5607, 13285, 5378}, "carrier": {12576, 25135, 206067, 60339},
	"vpn": {2856, 8468, 15830}, "hosting": {16276, 24940, 14061, 20473, 63949, 9009, 51167, 60781}, "hotel": {3215, 3320, 12430, 3352, 1136},
}

var cities = map[string][]string{
	"GB": {"London", "Leeds", "Bristol"}, "FR": {"Paris", "Lyon"}, "DE": {"Berlin", "Hamburg"}, "ES": {"Madrid"}, "NL": {"Amsterdam"}, "US": {"Ashburn"}, "RO": {"Bucharest"},
}

func (g *generator) network(kind, country string) network {
	n := network{asn: pick(g, asnOf[kind]), country: country, city: pick(g, cities[country])}
	for {
		if kind == "carrier" && g.chance(0.3) {
			n.six = true
			n.prefix = fmt.Sprintf("2a0%d:%x:%x:%x", g.between(0, 9), g.between(0x100, 0xffff), g.between(1, 0xffff), g.between(1, 0xffff))
		} else {
			n.six = false
			n.prefix = fmt.Sprintf("%d.%d.%d", pick(g, []int{5, 31, 37, 46, 51, 62, 77, 80, 81, 86, 90, 91, 94, 109, 141, 151, 176, 185, 193, 195, 212, 213}), g.between(1, 254), g.between(1, 254))
		}
		if !g.used[n.prefix] {
			g.used[n.prefix] = true
			return n
		}
	}
}

// host is an address inside a network.
func (g *generator) host(n network) string {
	if n.six {
		return fmt.Sprintf("%s:%x:%x:%x:%x", n.prefix, g.between(1, 0xffff), g.between(1, 0xffff), g.between(1, 0xffff), g.between(1, 0xffff))
	}
	return fmt.Sprintf("%s.%d", n.prefix, g.between(2, 250))
}
