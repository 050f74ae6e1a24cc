package investigation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/view"
)

// signIn is one row of the view finding.signins, with what finding.spots has for it.
type signIn struct {
	rowKey
	owner, resource, app, session, result, asn, location, credential, token, file string
	presence
	line int64
	dead bool // the token: it was revoked or has expired
}

// presence is who was there: rows that say nothing about their caller have none.
type presence struct {
	spot string
	own  bool // the user's own
}

// interactive tells whether the user sat there: the row is one of SigninLogs.
func (r *signIn) interactive() bool { return r.table == "SigninLogs" }

// rowKey is what the two questions know a row by: its id, and for rows without one what else tells them apart.
type rowKey struct {
	table, id, ip, appID, agent string
	at                          time.Time
}

// together is how many findings are enriched at a time: each question reads whole tables, and the rows of all users of
// the findings are in memory meanwhile.
const together = 64

func (b *builder) enrich(ctx context.Context) error {
	for part := range slices.Chunk(b.inv.Findings, together) {
		rows, err := b.activity(ctx, part)
		if err != nil {
			return err
		}
		his := make([][]bool, len(part)) // which of the user's rows are the attacker's of the finding
		for i := range part {
			f, all := &part[i], rows[part[i].UserID]
			his[i] = mark(f, all)
			b.events(f, all, his[i])
			b.networks(f, all, his[i])
			b.considered(f)
		}
		if err := b.deeds(ctx, part, rows, his); err != nil {
			return err
		}
		for i := range part { // what was changed at his time is asked next
			span(&part[i])
		}
		if err := b.persistence(ctx, part, rows, his); err != nil {
			return err
		}
		for i := range part {
			f, all := &part[i], rows[part[i].UserID]
			inOrder(f.Events)
			count(f)
			span(f)
			b.times(f, all, his[i])
			b.summarize(f)
		}
		if err := b.profiles(ctx, part, rows, his); err != nil {
			return err
		}
	}
	return nil
}

// activity returns the rows of the findings' users, by user and in the order of their time.
func (b *builder) activity(ctx context.Context, findings []finding.Finding) (map[string][]signIn, error) {
	users := set{}
	for i := range findings {
		users[findings[i].UserID] = true
	}
	of := view.Filter{Users: keys(users)}
	got, err := b.ask(ctx, "finding.signins", of)
	if err != nil {
		return nil, err
	}
	named, err := b.ask(ctx, "finding.spots", of)
	if err != nil {
		return nil, err
	}
	there := map[rowKey]presence{}
	if err := named.Each(func(r *kql.Row) { there[rowKeyOf(r)] = presence{r.Text("Spot"), r.Number("Own") > 0} }); err != nil {
		return nil, err
	}
	sums := map[string]string{}
	for i := range b.in.Files {
		sums[b.in.Files[i].Path] = b.in.Files[i].SHA256
	}
	out := map[string][]signIn{}
	err = got.Each(func(r *kql.Row) {
		row := signIn{
			rowKey: rowKeyOf(r), owner: r.Text("Owner"), app: r.Text("AppDisplayName"), resource: r.Text("ResourceDisplayName"),
			session: r.Text("SessionId"), result: r.Text("ResultType"), asn: r.Text("AutonomousSystemNumber"), location: r.Text("Location"),
			credential: r.Text("ClientCredentialType"), token: r.Text("Token"), file: r.Text("File"), line: r.Number("Line"), dead: r.Number("Dead") > 0,
		}
		row.presence = there[row.rowKey]
		if row.id == "" { // it is named by its place
			row.id = fmt.Sprintf("%.12s:%d", sums[row.file], row.line)
		}
		out[row.owner] = append(out[row.owner], row)
	})
	return out, err
}

func rowKeyOf(r *kql.Row) rowKey {
	return rowKey{table: r.Text("Table"), id: r.Text("Id"), at: r.Time("Time"), ip: r.Text("IPAddress"), appID: r.Text("AppId"), agent: r.Text("UserAgent")}
}

// events fills in the rows of the finding and what the attacker's name.
func (b *builder) events(f *finding.Finding, rows []signIn, his []bool) {
	roles := rolesOf(rows, his)
	ips, sessions, apps, resources, agents, ids := set{}, set{}, set{}, set{}, set{}, set{}
	bySpot := map[string][]string{}
	for i := range rows {
		r := &rows[i]
		if roles[i] == "" {
			continue
		}
		f.Events = append(f.Events, r.event(roles[i]))
		if !his[i] {
			continue
		}
		if r.interactive() {
			f.VisibleInSigninLog++
		}
		for _, pair := range []struct {
			into set
			v    string
		}{{ips, r.ip}, {sessions, r.session}, {apps, r.appID}, {resources, r.resource}, {agents, r.agent}, {ids, r.id}} {
			pair.into[pair.v] = true
		}
		bySpot[r.spot] = append(bySpot[r.spot], r.id)
	}
	if len(ids) > 0 {
		f.SourceIPs, f.SessionIDs, f.AppIDs, f.Resources, f.UserAgents = keys(ips), keys(sessions), keys(apps), keys(resources), keys(agents)
	}
	f.EventIDs = keys(ids)
	for i := range f.Signals {
		s := &f.Signals[i]
		for _, spot := range s.About() {
			s.EventIDs = append(s.EventIDs, bySpot[spot]...)
		}
		slices.Sort(s.EventIDs)
		s.EventIDs = slices.Compact(s.EventIDs)
	}
}

// inOrder sorts rows of all tables together, by their time.
func inOrder(events []finding.Event) {
	slices.SortFunc(events, func(a, b finding.Event) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Table, b.Table), cmp.Compare(a.File, b.File), cmp.Compare(a.Row, b.Row))
	})
}

// count counts the attacker's sign-ins; where none shows him, his rows of the other tables.
func count(f *finding.Finding) {
	f.EventCount = len(f.EventIDs)
	if f.EventCount > 0 {
		return
	}
	for i := range f.Events {
		if !f.Events[i].Role.Own() {
			f.EventCount++
		}
	}
}

// span sets the bounds to the first and the last of the attacker's rows, of those that are listed so far. Those of the
// candidate reach from signal to signal only.
func span(f *finding.Finding) {
	known := false
	for i := range f.Events {
		e := &f.Events[i]
		if e.Role.Own() {
			continue
		}
		if !known || e.Time.Before(f.FirstSeen) {
			f.FirstSeen = e.Time
		}
		if !known || e.Time.After(f.LastSeen) {
			f.LastSeen = e.Time
		}
		known = true
	}
}

// times says how long the activity is and what the evidence allows beyond.
func (b *builder) times(f *finding.Finding, rows []signIn, his []bool) {
	f.DurationSeconds = int64(f.LastSeen.Sub(f.FirstSeen).Seconds())
	if len(rows) > 0 {
		f.BaselineDays = int(f.FirstSeen.Sub(rows[0].at).Hours() / 24)
		f.FirstSeenCensored = f.FirstSeen.Sub(rows[0].at) < 24*time.Hour
	}
	f.OngoingAtAsOf = b.in.AsOf.Sub(f.LastSeen) < 2*time.Hour
	f.EarliestPossible, f.LatestPossible = bounds(f, rows, his, b.in.AsOf)
}

// bounds are the earliest beginning and the latest end that the evidence allows. A token cannot be stolen before the
// sign-in that began its session; where no row of the user holds such a session, it may be older than the evidence.
func bounds(f *finding.Finding, rows []signIn, his []bool, asOf time.Time) (earliest, latest time.Time) {
	stolen := set{}
	for _, s := range f.SessionIDs {
		stolen[s] = s != ""
	}
	earliest, latest = f.FirstSeen, asOf
	known := false
	for i := range rows {
		r := &rows[i]
		switch {
		case !his[i] && stolen[r.session] && !r.at.After(f.FirstSeen):
			if !known || r.at.Before(earliest) {
				earliest, known = r.at, true
			}
		case his[i] && r.dead && !r.at.Before(f.LastSeen):
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

func (b *builder) networks(f *finding.Finding, rows []signIn, his []bool) {
	byIP := map[string]*finding.Network{}
	apps, resources := map[string]map[string]bool{}, map[string]map[string]bool{}
	for i, r := range rows {
		if !his[i] {
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
	slices.SortFunc(f.Networks, func(a, b finding.Network) int {
		return cmp.Or(a.FirstSeen.Compare(b.FirstSeen), cmp.Compare(a.IP, b.IP))
	})
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
	with := "with " + cmp.Or(some(f.UserAgents), "no agent") + " "
	if len(f.UserAgents)+len(f.Resources) == 0 { // no sign-ins: what mailboxes and files say names neither
		with = ""
	}
	if len(f.Resources) > 0 { // some exports name no resource
		with += "for " + some(f.Resources) + " "
	}
	failed := 0
	for i := range f.Events {
		if e := &f.Events[i]; e.Role == finding.Attacker && e.ResultType != "" && e.ResultType != "0" {
			failed++
		}
	}
	uses := fmt.Sprintf("%d times", f.EventCount)
	if f.EventCount == 1 {
		uses = "once"
	}
	if failed > 0 {
		uses += fmt.Sprintf(" (%d without success)", failed)
	}
	f.Summary = fmt.Sprintf("The token of %s was used %s from %s %sbetween %s and %s (%s); SigninLogs alone shows %d of these events.",
		f.User, uses, some(f.SourceIPs), with,
		f.FirstSeen.Format(time.RFC3339), f.LastSeen.Format(time.RFC3339), finding.Length(f.DurationSeconds), f.VisibleInSigninLog)
	if f.FirstSeenCensored {
		f.Summary += " It begins within a day of what the evidence has of the user, so it may have begun before."
	}
	if kept := outlives(f.Persistence); kept != "" {
		f.Summary += " This was changed meanwhile and outlives the token: " + kept + "."
	}
}

// some names up to three values in a sentence; a long one, as agents are, by its beginning.
func some(values []string) string {
	const most, longest = 3, 60
	var words []string
	for _, v := range values[:min(most, len(values))] {
		if r := []rune(v); len(r) > longest {
			v = string(r[:longest-1]) + "\u2026"
		}
		words = append(words, v)
	}
	if n := len(values) - most; n > 0 {
		return strings.Join(words, ", ") + fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(words, ", ")
}

// outlives names what was changed, each once, in the order of time.
func outlives(changes []finding.Persistence) string {
	var names []string
	for _, p := range changes {
		name := p.Kind
		if p.Name != "" {
			name += " (" + p.Name + ")"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return some(names)
}
