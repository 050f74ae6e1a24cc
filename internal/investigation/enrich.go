package investigation

import (
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/replaytrace/replaytrace/hunts"
	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// activity is every sign-in row of one user, in the columns that both tables share.
const activity = `union
    (SigninLogs | where UserId == %[1]s or isempty(UserId) and tolower(UserPrincipalName) == %[1]s | project Table = "SigninLogs", Id, CreatedDateTime = coalesce(CreatedDateTime, TimeGenerated), IPAddress, AppId, AppDisplayName, ResourceDisplayName, UserAgent, SessionId, ResultType, AutonomousSystemNumber, Location, ClientCredentialType, SourceFile = _SourceFile, SourceLine = _SourceLine),
    (AADNonInteractiveUserSignInLogs | where UserId == %[1]s or isempty(UserId) and tolower(UserPrincipalName) == %[1]s | project Table = "AADNonInteractiveUserSignInLogs", Id, CreatedDateTime = coalesce(CreatedDateTime, TimeGenerated), IPAddress, AppId, AppDisplayName, ResourceDisplayName, UserAgent, SessionId, ResultType, AutonomousSystemNumber, Location, ClientCredentialType, SourceFile = _SourceFile, SourceLine = _SourceLine)
| sort by CreatedDateTime asc, Id asc`

// spotted is the presence that each of a user's rows belongs to, as the hunts see it.
const spotted = `
Activity
| where UserId == %s and Caller
| project Table = iff(Interactive, "SigninLogs", "AADNonInteractiveUserSignInLogs"), Id, Spot = strcat(Network, "|", DeviceId, "|", OS, "|", Client)`

// signIn is one row of activity.
type signIn struct {
	table, id, ip, appID, app, resource, agent, session, result, asn, location, credential, file string
	spot                                                                                         string // "" for rows that say nothing about the caller
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
		if err := b.deeds(f); err != nil {
			return err
		}
		b.networks(f, rows)
		if err := b.persistence(f); err != nil {
			return err
		}
		b.inv.Profiles = append(b.inv.Profiles, b.profile(f, rows))
		b.considered(f)
		b.summarize(f)
	}
	return nil
}

func (b *builder) activity(userID string) ([]signIn, error) {
	got, err := b.ask("activity", fmt.Sprintf(activity, quoted(userID)))
	if err != nil {
		return nil, err
	}
	shared, err := fs.ReadFile(hunts.Functions, "functions/Activity.part")
	if err != nil {
		return nil, err
	}
	named, err := b.ask("spots", string(shared)+fmt.Sprintf(spotted, quoted(userID)))
	if err != nil {
		return nil, err
	}
	spots := map[[2]string]string{}
	for _, r := range named.Rows {
		spots[[2]string{text(r[0]), text(r[1])}] = text(r[2])
	}
	out := make([]signIn, 0, len(got.Rows))
	for _, r := range got.Rows {
		at, _ := r[2].(schema.Ticks)
		line, _ := r[14].(int64)
		out = append(out, signIn{
			table: text(r[0]), id: text(r[1]), at: at.Time(), ip: text(r[3]), appID: text(r[4]), app: text(r[5]), resource: text(r[6]),
			agent: text(r[7]), session: text(r[8]), result: text(r[9]), asn: text(r[10]), location: text(r[11]), credential: text(r[12]), file: text(r[13]), line: line,
			spot: spots[[2]string{text(r[0]), text(r[1])}],
		})
	}
	return out, nil
}

func text(v schema.Value) string {
	s, _ := v.(string)
	return s
}

// mark finds the attacker's rows: those of the finding's spots and those that a signal names; and of the rows that say
// nothing about their caller those whose token was born at an address that only the attacker had, while he was there.
func mark(f *finding.Finding, rows []signIn) {
	spots, named := map[string]bool{}, map[string]bool{}
	for _, s := range f.Spots {
		spots[s] = true
	}
	for _, id := range f.EventIDs {
		named[id] = true
	}
	his, others := map[string]bool{}, map[string]bool{}
	var first, last time.Time
	for i := range rows {
		r := &rows[i]
		r.attacker = spots[r.spot] || named[r.id]
		switch {
		case r.attacker:
			his[r.ip] = true
			if first.IsZero() {
				first = r.at
			}
			last = r.at
		case r.spot != "":
			others[r.ip] = true
		}
	}
	for i := range rows {
		r := &rows[i]
		if r.spot == "" && his[r.ip] && !others[r.ip] && !r.at.Before(first.Add(-slack)) && !r.at.After(last.Add(slack)) {
			r.attacker = true
		}
	}
}

// slack is how long before and after the attacker's own rows those of applications that act for him may lie.
const slack = time.Hour

// events fills in the attacker's rows and what they name.
func (b *builder) events(f *finding.Finding, rows []signIn) {
	mark(f, rows)
	ips, sessions, apps, resources, agents, ids := set{}, set{}, set{}, set{}, set{}, set{}
	bySpot := map[string][]string{}
	for i := range rows {
		r := &rows[i]
		if !r.attacker {
			continue
		}
		if r.table == "SigninLogs" {
			f.VisibleInSigninLog++
		}
		for _, pair := range []struct {
			into set
			v    string
		}{{ips, r.ip}, {sessions, r.session}, {apps, r.appID}, {resources, r.resource}, {agents, r.agent}, {ids, r.id}} {
			pair.into[pair.v] = true
		}
		bySpot[r.spot] = append(bySpot[r.spot], r.id)
		f.Events = append(f.Events, finding.Event{
			Table: r.table, Key: r.id, Time: r.at, File: r.file, Row: r.line, Role: finding.Attacker, IP: r.ip,
			AppID: r.appID, App: r.app, Resource: r.resource, UserAgent: r.agent, SessionID: r.session, ResultType: r.result, Interactive: r.table == "SigninLogs",
		})
	}
	if n := len(f.Events); n > 0 {
		f.SourceIPs, f.SessionIDs, f.AppIDs, f.Resources, f.UserAgents, f.EventIDs = keys(ips), keys(sessions), keys(apps), keys(resources), keys(agents), keys(ids)
		f.EventCount = len(f.EventIDs)
		f.FirstSeen, f.LastSeen = f.Events[0].Time, f.Events[n-1].Time
		f.DurationSeconds = int64(f.LastSeen.Sub(f.FirstSeen).Seconds())
	}
	for i := range f.Signals {
		s := &f.Signals[i]
		for _, spot := range s.About() {
			s.EventIDs = append(s.EventIDs, bySpot[spot]...)
		}
		slices.Sort(s.EventIDs)
		s.EventIDs = slices.Compact(s.EventIDs)
	}
	if len(rows) > 0 {
		f.BaselineDays = int(f.FirstSeen.Sub(rows[0].at).Hours() / 24)
		f.FirstSeenCensored = f.FirstSeen.Sub(rows[0].at) < 24*time.Hour
	}
	f.OngoingAtAsOf = b.in.AsOf.Sub(f.LastSeen) < 2*time.Hour
	f.EarliestPossible, f.LatestPossible = bounds(f, rows, b.in.AsOf)
}

// dead are the results that say that a token was revoked or has expired.
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
var dead = set{"50173": true, "50132": true, "50133": true, "70043": true, "70044": true, "70046": true, "700082": true, "700084": true}

// bounds are the earliest beginning and the latest end that the evidence allows. A token cannot be stolen before the
// sign-in that began its session; where no row of the user holds such a session, it may be older than the evidence.
func bounds(f *finding.Finding, rows []signIn, asOf time.Time) (earliest, latest time.Time) {
	stolen := set{}
	for _, s := range f.SessionIDs {
		stolen[s] = s != ""
	}
	earliest, latest = f.FirstSeen, asOf
	known := false
	for i := range rows {
		r := &rows[i]
		switch {
		case !r.attacker && stolen[r.session] && !r.at.After(f.FirstSeen):
			if !known || r.at.Before(earliest) {
				earliest, known = r.at, true
			}
		case r.attacker && dead[r.result] && !r.at.Before(f.LastSeen):
			latest = minTime(latest, r.at)
		}
	}
	if !known && f.FirstSeenCensored && len(rows) > 0 {
		earliest = minTime(earliest, rows[0].at)
	}
	return earliest, latest
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

type set = map[string]bool

// deeds adds the rows of other tables that signals name: calls of Microsoft Graph and what was done in the mailbox. The
// audit log's rows are the persistence.
func (b *builder) deeds(f *finding.Finding) error {
	seen, named := set{}, set{}
	for _, e := range f.Events {
		seen[e.Key] = true
	}
	for _, s := range f.Signals {
		for _, id := range s.EventIDs {
			if !seen[id] {
				named[id] = true
			}
		}
	}
	if len(named) == 0 {
		return nil
	}
	got, err := b.ask("deeds", fmt.Sprintf(`let Named = dynamic([%s]);
union
  (MicrosoftGraphActivityLogs | where RequestId in (Named) | project Table = "MicrosoftGraphActivityLogs", Key = RequestId, Time = TimeGenerated, IPAddress, AppId, What = strcat(RequestMethod, " ", RequestUri), UserAgent, SessionId, SourceFile = _SourceFile, SourceLine = _SourceLine),
  (OfficeActivity | extend Key = iff(isempty(OfficeId), SourceRecordId, OfficeId) | where Key in (Named) | project Table = "OfficeActivity", Key, Time = TimeGenerated, IPAddress = iff(isempty(ClientIP), Client_IPAddress, ClientIP), AppId, What = Operation, UserAgent, SessionId = tostring(AppAccessContext.AADSessionId), SourceFile = _SourceFile, SourceLine = _SourceLine)
| sort by Time asc, Key asc`, quotedList(keys(named))))
	if err != nil {
		return err
	}
	ips := set{}
	for _, ip := range f.SourceIPs {
		ips[ip] = true
	}
	for _, r := range got.Rows {
		at, _ := r[2].(schema.Ticks)
		line, _ := r[9].(int64)
		ips[text(r[3])] = true
		f.Events = append(f.Events, finding.Event{Table: text(r[0]), Key: text(r[1]), Time: at.Time(), File: text(r[8]), Row: line, Role: finding.Attacker, IP: text(r[3]), AppID: text(r[4]), Resource: text(r[5]), UserAgent: text(r[6]), SessionID: text(r[7])})
	}
	f.SourceIPs = keys(ips)
	return nil
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
		line, _ := r[7].(int64)
		p := finding.Persistence{Kind: text(r[1]), Name: text(r[2]), ID: text(r[3]), Time: at.Time(), EventIDs: []string{text(r[5])}, Detail: "from " + text(r[4])}
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
		f.Events = append(f.Events, finding.Event{Table: "AuditLogs", Key: text(r[5]), Time: at.Time(), File: text(r[6]), Row: line, Role: finding.Control, IP: text(r[4]), AppID: text(r[3]), App: text(r[2])})
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

// considered adds the explanations that do not hold, with the reason that each hunt gives.
func (b *builder) considered(f *finding.Finding) {
	held := map[string]bool{}
	for _, c := range f.Considered {
		held[c.Explanation] = true
	}
	for i := range b.in.Hunts {
		h := &b.in.Hunts[i]
		if h.Role == hunt.RoleExplanation && !held[h.Name] && h.Otherwise != "" {
			f.Considered = append(f.Considered, finding.Considered{Explanation: h.Name, Outcome: finding.Rejected, Because: h.Otherwise})
		}
	}
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
