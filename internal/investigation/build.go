package investigation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/view"
)

// Input is what a run starts from.
type Input struct {
	Engine      hunt.Engine
	Hunts       []hunt.Hunt
	Weights     finding.Weights
	Files       []File
	AsOf        time.Time
	AsOfSource  string
	ToolVersion string
	// Users limits the findings to these UPNs or object ids; all when empty.
	Users []string
	// Since and Until limit the findings to what happened then, at least in part; zero is open. What is usual is learned
	// from all of the evidence.
	Since, Until time.Time
	// Indicators says that a list of indicators was given, as the watchlist of that name.
	Indicators bool
	// Tenant is the context that was given; its networks are learned when it names none.
	Tenant Tenant
	// Suspects are users of whom it is said when they do not occur.
	Suspects []string
	// Steps says that the steps of an investigation are answered, too.
	Steps bool
	// Candidates is given every activity that was weighed, findings or not; may be nil.
	Candidates func([]finding.Candidate)
	// Progress is told how many hunts are done, of how many, and which one begins; may be nil.
	Progress func(done, of int, name string)
}

// Run asks every hunt and builds the one result.
func Run(ctx context.Context, in Input) (*Investigation, error) {
	if err := in.Weights.Covers(in.Hunts); err != nil {
		return nil, err
	}
	b := &builder{in: in, inv: &Investigation{SchemaVersion: schemaVersion, ToolVersion: in.ToolVersion, AsOf: in.AsOf, AsOfSource: in.AsOfSource}}
	b.inv.Evidence.Files = in.Files
	b.inv.Tenant = in.Tenant
	if err := inTurn(ctx, b.coverage, b.hunt); err != nil {
		return nil, err
	}
	b.judge()
	if err := inTurn(ctx, b.sharedNetworks, b.enrich, b.assess, b.indicators, b.steps); err != nil {
		return nil, err
	}
	b.visibility()
	b.campaigns()
	b.beyond()
	b.finish()
	return b.inv, nil
}

// inTurn asks one question after the other, until one is not answered.
func inTurn(ctx context.Context, questions ...func(context.Context) error) error {
	for _, q := range questions {
		if err := q(ctx); err != nil {
			return err
		}
	}
	return nil
}

type builder struct {
	in  Input
	inv *Investigation
	// what the hunts said, by their roles
	signals, explanations, links []hunt.Signal
	// partial says that the evidence lacks something that the weights were fitted with, as the warnings tell.
	partial bool
}

// ask asks one of the views that ship.
func (b *builder) ask(ctx context.Context, name string, f view.Filter) (*kql.Rows, error) {
	rows, err := view.Ask(ctx, b.in.Engine, name, f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return rows, nil
}

// coverage asks what `replaytrace coverage` asks.
func (b *builder) coverage(ctx context.Context) error {
	asked := map[string]*kql.Rows{}
	for _, part := range []string{"tables", "gaps", "warnings"} {
		rows, err := b.ask(ctx, "coverage."+part, view.Filter{})
		if err != nil {
			return err
		}
		asked[part] = rows
	}
	gaps := map[string][]Gap{}
	err := errors.Join(
		asked["gaps"].Each(func(r *kql.Row) {
			table := r.Text("Table")
			gaps[table] = append(gaps[table], Gap{From: r.Time("From"), To: r.Time("To")})
		}),
		asked["tables"].Each(func(r *kql.Row) {
			t := Table{Table: r.Text("Table"), Rows: r.Number("Rows"), Users: r.Number("Users"), First: r.Time("First"), Last: r.Time("Last"), Gaps: []Gap{}}
			t.Gaps = append(t.Gaps, gaps[t.Table]...)
			b.inv.Evidence.Tables = append(b.inv.Evidence.Tables, t)
		}),
		asked["warnings"].Each(func(r *kql.Row) {
			b.partial = b.partial || r.Number("Partial") > 0
			b.inv.Evidence.Warnings = append(b.inv.Evidence.Warnings, r.Text("Message"))
		}))
	if err != nil {
		return fmt.Errorf("coverage: %w", err)
	}
	return nil
}

// hunt asks every hunt that weighs something; one that fails is told of, and the others go on.
func (b *builder) hunt(ctx context.Context) error {
	var asked []*hunt.Hunt
	for i := range b.in.Hunts {
		if h := &b.in.Hunts[i]; h.Role != hunt.RoleContext {
			asked = append(asked, h)
		}
	}
	for i, h := range asked {
		if b.in.Progress != nil {
			b.in.Progress(i, len(asked), h.Name)
		}
		got, _, err := hunt.Run(ctx, b.in.Engine, h)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		run := HuntRun{ID: h.Signal, Name: h.Name, Signals: len(got)}
		if err != nil {
			run.Error, run.Cause = err.Error(), err
			b.inv.Evidence.Warnings = append(b.inv.Evidence.Warnings, fmt.Sprintf("the hunt %s failed: %s", h.Signal, err))
		}
		b.inv.Hunts = append(b.inv.Hunts, run)
		switch h.Role {
		case hunt.RoleExplanation:
			b.explanations = append(b.explanations, got...)
		case hunt.RoleLink:
			b.links = append(b.links, got...)
		default:
			b.signals = append(b.signals, got...)
		}
	}
	return nil
}

// judge weighs what the hunts said and makes the findings.
func (b *builder) judge() {
	// Who is asked for does not change what is known of the others.
	b.inv.Prior = finding.Learn(finding.Weigh(b.signals, b.explanations, b.links, b.in.Weights), b.people(), b.in.Weights)
	if b.partial { // what the weights say is less sure there, so others are not judged by it
		b.inv.Prior.Learned = b.inv.Prior.Stated
	}
	candidates := finding.Weigh(b.wanted(b.signals), b.explanations, b.links, b.in.Weights)
	b.inv.Findings, b.inv.Explained = finding.Judge(candidates, b.inv.Prior, b.in.Weights)
	if b.in.Candidates != nil {
		b.in.Candidates(candidates)
	}
}

// sharedNetworks states which networks were learned to be the organisation's, where none were given.
func (b *builder) sharedNetworks(ctx context.Context) error {
	if b.inv.Tenant.NetworksSource != "" {
		return nil
	}
	rows, err := b.ask(ctx, "tenant.networks", view.Filter{})
	if err != nil {
		return err
	}
	b.inv.Tenant.NetworksSource = "learned: networks at which three or more people were settled; carriers may be among them"
	var networks []string
	err = rows.Each(func(r *kql.Row) { networks = append(networks, r.Text("Network")) })
	b.inv.Tenant.CorporateNetworks = fewestPrefixes(networks)
	return err
}

// people is how many users the sign-ins are of, at least.
func (b *builder) people() int64 {
	var most int64
	for _, t := range b.inv.Evidence.Tables {
		most = max(most, t.Users)
	}
	return most
}

func (b *builder) wanted(signals []hunt.Signal) []hunt.Signal {
	var out []hunt.Signal
	for _, s := range signals {
		if b.asked(s.User, s.UserID) && b.in.within(s.First, s.Last) {
			out = append(out, s)
		}
	}
	return out
}

// within reports whether a time touches the one asked for.
func (in *Input) within(first, last time.Time) bool {
	return !last.Before(in.Since) && (in.Until.IsZero() || !first.After(in.Until))
}

// asked reports whether a user is among those asked for, or all are.
func (b *builder) asked(user, id string) bool {
	for _, u := range b.in.Users {
		if strings.EqualFold(u, user) || strings.EqualFold(u, id) {
			return true
		}
	}
	return len(b.in.Users) == 0
}

func (b *builder) visibility() {
	v := &b.inv.Visibility
	for _, t := range b.inv.Evidence.Tables {
		switch t.Table {
		case "SigninLogs":
			v.InteractiveEvents = t.Rows
		case "AADNonInteractiveUserSignInLogs":
			v.NonInteractiveEvents = t.Rows
		}
	}
	if v.InteractiveEvents > 0 {
		v.Ratio = float64(v.NonInteractiveEvents*10/v.InteractiveEvents) / 10
	}
	for _, f := range b.inv.Findings {
		v.AttackerEvents += int64(len(f.EventIDs)) // EventCount has rows of other tables where no sign-in shows him
		v.AttackerEventsInSigninLogs += int64(f.VisibleInSigninLog)
		if f.VisibleInSigninLog > 0 {
			v.FindingsVisibleInSigninLogsAlone++
		}
	}
}

// campaigns links users who were hit from the same address: several users, not several activities against one.
func (b *builder) campaigns() {
	byIP := map[string][]*finding.Finding{}
	for i := range b.inv.Findings {
		f := &b.inv.Findings[i]
		for _, ip := range f.SourceIPs {
			byIP[ip] = append(byIP[ip], f)
		}
	}
	for _, ip := range slices.Sorted(maps.Keys(byIP)) {
		hit := byIP[ip]
		if !slices.ContainsFunc(hit, func(f *finding.Finding) bool { return f.UserID != hit[0].UserID }) {
			continue
		}
		c := Campaign{SourceIPs: []string{ip}}
		for _, f := range hit {
			c.Users, c.FindingIDs = append(c.Users, f.User), append(c.FindingIDs, f.ID)
		}
		b.inv.Campaigns = append(b.inv.Campaigns, c)
	}
}

// assess lists the users about whom the evidence allows no statement, or less than one could think.
func (b *builder) assess(ctx context.Context) error {
	rows, err := b.ask(ctx, "coverage.unassessed", view.Filter{Users: b.in.Users})
	if err != nil {
		return err
	}
	if err := rows.Each(func(r *kql.Row) {
		b.inv.UsersNotAssessed = append(b.inv.UsersNotAssessed, NotAssessed{User: r.Text("User"), Because: r.Text("Because")})
	}); err != nil {
		return fmt.Errorf("assess: %w", err)
	}
	return b.absent(ctx)
}

// absent lists the users who were asked for, or are suspected, and who do not occur: nothing found on them
// means nothing.
func (b *builder) absent(ctx context.Context) error {
	asked := slices.Concat(b.in.Users, b.in.Suspects)
	if len(asked) == 0 {
		return nil
	}
	rows, err := b.ask(ctx, "tenant.users", view.Filter{})
	if err != nil {
		return err
	}
	known := map[string]bool{}
	if err := rows.Each(func(r *kql.Row) {
		known[strings.ToLower(r.Text("UserPrincipalName"))] = true
		known[strings.ToLower(r.Text("UserId"))] = true
	}); err != nil {
		return err
	}
	for _, n := range b.inv.UsersNotAssessed { // of whom it is said already what there is
		known[strings.ToLower(n.User)] = true
	}
	for _, user := range asked {
		if !known[strings.ToLower(user)] {
			b.inv.UsersNotAssessed = append(b.inv.UsersNotAssessed, NotAssessed{User: user, Because: "does not occur in the sign-in evidence: check the spelling, or name the user by object id"})
		}
	}
	return nil
}

// indicators looks for the list that was given.
func (b *builder) indicators(ctx context.Context) error {
	if !b.in.Indicators {
		return nil
	}
	rows, err := b.ask(ctx, "indicators.hits", view.Filter{Users: b.in.Users, Since: b.in.Since, Until: b.in.Until})
	if err != nil {
		return err
	}
	return rows.Each(func(r *kql.Row) {
		b.inv.Indicators = append(b.inv.Indicators, IndicatorHit{
			Kind: r.Text("Kind"), Value: r.Text("Value"), User: r.Text("User"), UserID: r.Text("UserId"), Table: r.Text("Table"),
			Events: r.Number("Events"), First: r.Time("First"), Last: r.Time("Last"), Addresses: r.JSON("Addresses"),
		})
	})
}

// beyond says of which findings a part lies outside of the incident's window: whoever gave the window did not know of it.
func (b *builder) beyond() {
	w := b.in.Tenant.IncidentWindow
	if w == nil {
		return
	}
	for i := range b.inv.Findings {
		f := &b.inv.Findings[i]
		if f.FirstSeen.Before(w.Start) || f.LastSeen.After(w.End) {
			b.inv.Evidence.Warnings = append(b.inv.Evidence.Warnings, fmt.Sprintf("The activity against %s, %s to %s, is not all within the incident's window, %s to %s: the incident may be longer than the tenant file says, or another one.",
				f.User, f.FirstSeen.Format(time.RFC3339), f.LastSeen.Format(time.RFC3339), w.Start.Format(time.RFC3339), w.End.Format(time.RFC3339)))
		}
	}
}

// finish gives empty lists their JSON form.
func (b *builder) finish() {
	i := b.inv
	noNull(&i.Evidence.Files)
	noNull(&i.Evidence.Tables)
	noNull(&i.Evidence.Warnings)
	noNull(&i.Findings)
	noNull(&i.Campaigns)
	noNull(&i.Explained)
	noNull(&i.UsersNotAssessed)
	noNull(&i.Profiles)
	noNull(&i.Hunts)
	noNull(&i.Indicators)
	noNull(&i.Tenant.CorporateNetworks)
	for k := range i.Findings {
		f := &i.Findings[k]
		noNull(&f.Events)
		noNull(&f.Considered)
		noNull(&f.Persistence)
		noNull(&f.Networks)
	}
	for k := range i.Evidence.Files {
		noNull(&i.Evidence.Files[k].Rejects)
	}
}

// noNull makes a list that is nil an empty one, as the contract has it.
func noNull[T any](list *[]T) {
	if *list == nil {
		*list = []T{}
	}
}
