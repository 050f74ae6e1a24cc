package investigation

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// activity is every sign-in row of one user, in the columns that both tables share.
const activity = `union
    (SigninLogs | where UserId == %[1]s | project Table = "SigninLogs", Id, CreatedDateTime, IPAddress, AppId, AppDisplayName, ResourceDisplayName, UserAgent, SessionId, ResultType, AutonomousSystemNumber, Location, ClientCredentialType, SourceFile = _SourceFile, SourceLine = _SourceLine),
    (AADNonInteractiveUserSignInLogs | where UserId == %[1]s | project Table = "AADNonInteractiveUserSignInLogs", Id, CreatedDateTime, IPAddress, AppId, AppDisplayName, ResourceDisplayName, UserAgent, SessionId, ResultType, AutonomousSystemNumber, Location, ClientCredentialType, SourceFile = _SourceFile, SourceLine = _SourceLine)
| sort by CreatedDateTime asc, Id asc`

// signIn is one row of activity.
type signIn struct {
	table, id, ip, appID, app, resource, agent, session, result, asn, location, credential, file string
	at                                                                                           time.Time
	line                                                                                         int64
	attacker                                                                                     bool
}

func (b *builder) enrich() error {
	for i := range b.inv.Findings {
		f := &b.inv.Findings[i]
		rows, err := b.activity(f.UserID)
		if err != nil {
			return err
		}
		b.events(f, rows)
		b.networks(f, rows)
		if err := b.persistence(f); err != nil {
			return err
		}
		b.inv.Profiles = append(b.inv.Profiles, b.profile(f, rows))
		b.considered(f, rows)
		b.summarize(f)
	}
	return nil
}

func (b *builder) activity(userID string) ([]signIn, error) {
	got, err := b.ask("activity", fmt.Sprintf(activity, quoted(userID)))
	if err != nil {
		return nil, err
	}
	out := make([]signIn, 0, len(got.Rows))
	for _, r := range got.Rows {
		text := func(i int) string { s, _ := r[i].(string); return s }
		at, _ := r[2].(schema.Ticks)
		line, _ := r[14].(int64)
		out = append(out, signIn{
			table: text(0), id: text(1), at: at.Time(), ip: text(3), appID: text(4), app: text(5), resource: text(6),
			agent: text(7), session: text(8), result: text(9), asn: text(10), location: text(11), credential: text(12), file: text(13), line: line,
		})
	}
	return out, nil
}

// events marks the attacker's rows: those that the signals name, and no others.
func (b *builder) events(f *finding.Finding, rows []signIn) {
	named := map[string]bool{}
	for _, id := range f.EventIDs {
		named[id] = true
	}
	for i := range rows {
		r := &rows[i]
		if !named[r.id] {
			continue
		}
		r.attacker = true
		if r.table == "SigninLogs" {
			f.VisibleInSigninLog++
		}
		f.Events = append(f.Events, finding.Event{
			Table: r.table, Key: r.id, Time: r.at, File: r.file, Row: r.line, Role: finding.Attacker, IP: r.ip,
			AppID: r.appID, App: r.app, Resource: r.resource, UserAgent: r.agent, SessionID: r.session, ResultType: r.result, Interactive: r.table == "SigninLogs",
		})
	}
	if len(rows) > 0 {
		f.BaselineDays = int(f.FirstSeen.Sub(rows[0].at).Hours() / 24)
		f.FirstSeenCensored = f.FirstSeen.Sub(rows[0].at) < 24*time.Hour
	}
	f.OngoingAtAsOf = b.in.AsOf.Sub(f.LastSeen) < 2*time.Hour
}

func (b *builder) networks(f *finding.Finding, rows []signIn) {
	byIP := map[string]*finding.Network{}
	apps, resources := map[string]map[string]bool{}, map[string]map[string]bool{}
	for _, r := range rows {
		if !r.attacker {
			continue
		}
		n := byIP[r.ip]
		if n == nil {
			n = &finding.Network{IP: r.ip, ASN: r.asn, Country: r.location, FirstSeen: r.at}
			byIP[r.ip], apps[r.ip], resources[r.ip] = n, map[string]bool{}, map[string]bool{}
		}
		n.LastSeen = r.at
		n.EventCount++
		apps[r.ip][r.app] = true
		resources[r.ip][r.resource] = true
	}
	for ip, n := range byIP {
		n.DurationSeconds = int64(n.LastSeen.Sub(n.FirstSeen).Seconds())
		n.Apps, n.Resources = keys(apps[ip]), keys(resources[ip])
		f.Networks = append(f.Networks, *n)
	}
	sort.Slice(f.Networks, func(i, j int) bool { return f.Networks[i].FirstSeen.Before(f.Networks[j].FirstSeen) })
}

func keys(m map[string]bool) []string {
	out := []string{}
	for k := range m {
		if k != "" {
			out = append(out, k)
		}
	}
	sort.Strings(out)
	return out
}

// persistence lists the consents of the user's account from the attacker's addresses, and what the applications did.
func (b *builder) persistence(f *finding.Finding) error {
	if len(f.SourceIPs) == 0 {
		return nil
	}
	got, err := b.ask("persistence", fmt.Sprintf(`AuditLogs
| extend UserId = tostring(InitiatedBy.user.id), IPAddress = tostring(InitiatedBy.user.ipAddress)
| where UserId == %s and (IPAddress in (%s) or OperationName == "Consent to application" and ActivityDateTime between (datetime(%s) .. datetime(%s)))
| extend AppId = extract("[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}", 0, tostring(TargetResources[0].modifiedProperties))
| project ActivityDateTime, OperationName, Target = tostring(TargetResources[0].displayName), AppId, IPAddress, Id, SourceFile = _SourceFile, SourceLine = _SourceLine
| sort by ActivityDateTime asc, Id asc`, quoted(f.UserID), quotedList(f.SourceIPs), f.FirstSeen.Add(-time.Hour).Format(time.RFC3339), f.LastSeen.Add(24*time.Hour).Format(time.RFC3339)))
	if err != nil {
		return err
	}
	for _, r := range got.Rows {
		at, _ := r[0].(schema.Ticks)
		text := func(i int) string { s, _ := r[i].(string); return s }
		line, _ := r[7].(int64)
		p := finding.Persistence{Kind: text(1), Name: text(2), ID: text(3), Time: at.Time(), EventIDs: []string{text(5)}, Detail: "from " + text(4)}
		if p.ID != "" {
			own, err := b.ask("own sign-ins", fmt.Sprintf(`AADServicePrincipalSignInLogs | where AppId == %s and ResultType == "0" | summarize Count = count(), Last = max(CreatedDateTime), Addresses = make_set(IPAddress)`, quoted(p.ID)))
			if err != nil {
				return err
			}
			if n, _ := own.Rows[0][0].(int64); n > 0 {
				last, _ := own.Rows[0][1].(schema.Ticks)
				p.Detail += fmt.Sprintf("; signed in with credentials of its own %d times, last at %s: it survives the revocation of tokens", n, last.RFC3339())
			}
		}
		f.Persistence = append(f.Persistence, p)
		f.Events = append(f.Events, finding.Event{Table: "AuditLogs", Key: text(5), Time: at.Time(), File: text(6), Row: line, Role: finding.Control, IP: text(4), AppID: text(3), App: text(2)})
	}
	return nil
}

// profile is what was normal before the activity, and the deviation during it.
func (b *builder) profile(f *finding.Finding, rows []signIn) Profile {
	p := Profile{User: f.User, UserID: f.UserID, Apps: []string{}, Resources: []string{}, UserAgents: []string{}, Networks: []string{}, Timeline: []Point{}}
	before, during := newTally(), newTally()
	points := map[string]*Point{}
	var order []string
	for _, r := range rows {
		hour := r.at.Truncate(time.Hour)
		key := hour.Format(time.RFC3339) + r.ip
		pt := points[key]
		if pt == nil {
			pt = &Point{Hour: hour, IP: r.ip}
			points[key] = pt
			order = append(order, key)
		}
		switch {
		case r.result != "0":
			pt.Failed++
		case r.table == "SigninLogs":
			pt.Interactive++
		default:
			pt.Silent++
		}
		if r.attacker {
			pt.Attacker++
		}
		if r.at.Before(f.FirstSeen) {
			before.add(r)
			if r.table != "SigninLogs" {
				p.Hours[r.at.Hour()]++
			}
		} else if !r.at.After(f.LastSeen) {
			during.add(r)
		}
	}
	sort.Strings(order)
	for _, k := range order {
		p.Timeline = append(p.Timeline, *points[k])
	}
	p.DailyMedian, p.DailyMax = before.daily()
	p.Apps, p.Resources, p.UserAgents, p.Networks = keys(before.apps), keys(before.resources), keys(before.agents), keys(before.ips)
	_, during1 := during.daily()
	p.Deviation = []Deviation{
		{"silent sign-ins a day", p.DailyMedian, float64(during1)},
		{"applications", float64(len(before.apps)), float64(len(union(before.apps, during.apps)))},
		{"resources", float64(len(before.resources)), float64(len(union(before.resources, during.resources)))},
		{"addresses", float64(len(before.ips)), float64(len(union(before.ips, during.ips)))},
		{"user agents", float64(len(before.agents)), float64(len(union(before.agents, during.agents)))},
	}
	return p
}

// tally counts the rows of a time.
type tally struct {
	days                         map[string]int64
	apps, resources, agents, ips map[string]bool
}

func newTally() *tally {
	m := func() map[string]bool { return map[string]bool{} }
	return &tally{map[string]int64{}, m(), m(), m(), m()}
}

func (t *tally) add(r signIn) {
	if r.table != "SigninLogs" {
		t.days[r.at.Format("2006-01-02")]++
	}
	t.apps[r.appID] = true
	t.resources[r.resource] = true
	t.agents[r.agent] = true
	t.ips[r.ip] = true
}

// daily returns the median and the greatest count of a day.
func (t *tally) daily() (median float64, most int64) {
	var counts []int64
	for _, n := range t.days {
		counts = append(counts, n)
	}
	if len(counts) == 0 {
		return 0, 0
	}
	sort.Slice(counts, func(i, j int) bool { return counts[i] < counts[j] })
	return float64(counts[len(counts)/2]), counts[len(counts)-1]
}

func union(a, b map[string]bool) map[string]bool {
	out := map[string]bool{}
	for k := range a {
		out[k] = true
	}
	for k := range b {
		out[k] = true
	}
	return out
}

// considered weighs the benign readings that an analyst would be asked about.
func (b *builder) considered(f *finding.Finding, rows []signIn) {
	foreign := map[string]bool{}
	for _, ip := range f.SourceIPs {
		foreign[ip] = true
	}
	earned := false
	for _, r := range rows {
		earned = earned || foreign[r.ip] && r.table == "SigninLogs" && r.result == "0"
	}
	add := func(explanation string, rejected bool, because string) {
		outcome := finding.Undecided
		if rejected {
			outcome = finding.Rejected
		}
		f.Considered = append(f.Considered, finding.Considered{Explanation: explanation, Outcome: outcome, Because: because})
	}
	add("the user travels or works from a new place", !earned && has(f, "ua-script-library"), "no interactive sign-in from these addresses, and the agent is a scripting library's")
	add("a phone behind a carrier's changing addresses", has(f, "ua-script-library"), "no phone sends this agent")
	add("sanctioned automation", !b.covered(f, "sanctioned-automation"), "no earlier days with the same application, agent and network")
	add("an office, a VPN or a gateway of the organisation", !b.covered(f, "shared-egress"), "no other users earned these networks")
}

func has(f *finding.Finding, id string) bool {
	for _, s := range f.Signals {
		if s.ID == id {
			return true
		}
	}
	return false
}

func (b *builder) covered(f *finding.Finding, id string) bool {
	for _, e := range b.explanations {
		if e.Hunt.Signal != id {
			continue
		}
		for _, ip := range f.SourceIPs {
			if e.IP == ip && (e.UserID == "" || e.UserID == f.UserID) {
				return true
			}
		}
	}
	return false
}

func (b *builder) summarize(f *finding.Finding) {
	agents := strings.Join(f.UserAgents, ", ")
	if agents == "" {
		agents = "no agent"
	}
	f.Summary = fmt.Sprintf("The token of %s was redeemed %d times from %s with %s for %s between %s and %s (%s); SigninLogs alone shows %d of these events.",
		f.User, f.EventCount, strings.Join(f.SourceIPs, ", "), agents, strings.Join(f.Resources, ", "),
		f.FirstSeen.Format(time.RFC3339), f.LastSeen.Format(time.RFC3339), finding.Length(f.DurationSeconds), f.VisibleInSigninLog)
	if len(f.Persistence) > 0 {
		f.Summary += fmt.Sprintf(" The application %s was consented to and persists.", f.Persistence[0].Name)
	}
}
