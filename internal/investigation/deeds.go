package investigation

import (
	"context"
	"fmt"
	"time"

	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/view"
)

// deeds adds the rows of other tables that signals name: calls of Microsoft Graph and what was done in the mailbox. The
// audit log's rows are the persistence.
func (b *builder) deeds(ctx context.Context, findings []finding.Finding) error {
	type row struct {
		Finding int
		Key     string
	}
	var named []row
	ips := make([]set, len(findings))
	for i := range findings {
		f := &findings[i]
		ips[i] = set{}
		for _, ip := range f.SourceIPs {
			ips[i][ip] = true
		}
		seen, missing := set{}, set{}
		for _, e := range f.Events {
			seen[e.Key] = true
		}
		for _, s := range f.Signals {
			for _, id := range s.EventIDs {
				missing[id] = missing[id] || !seen[id]
			}
		}
		for _, id := range keys(missing) {
			if missing[id] {
				named = append(named, row{i, id})
			}
		}
	}
	if len(named) == 0 {
		return nil
	}
	got, err := b.ask(ctx, "finding.deeds", view.Filter{Given: named})
	if err != nil {
		return err
	}
	err = got.Each(func(r *kql.Row) {
		i, ip := r.Number("Finding"), r.Text("IPAddress")
		ips[i][ip] = true
		findings[i].Events = append(findings[i].Events, finding.Event{
			Table: r.Text("Table"), Key: r.Text("Key"), Time: r.Time("Time"), File: r.Text("File"), Row: r.Number("Line"), Role: finding.Attacker,
			IP: ip, AppID: r.Text("AppId"), Resource: r.Text("What"), UserAgent: r.Text("UserAgent"), SessionID: r.Text("SessionId"),
		})
	})
	if err != nil {
		return err
	}
	for i := range findings {
		findings[i].SourceIPs = keys(ips[i])
	}
	return nil
}

// persistence lists what the users' accounts changed from the attacker's addresses, consents at his time, and what the
// applications did.
func (b *builder) persistence(ctx context.Context, findings []finding.Finding) error {
	type activity struct {
		Finding   int
		UserID    string `json:"UserId"`
		From, To  time.Time
		Addresses []string
	}
	var about []activity
	for i := range findings {
		f := &findings[i]
		if len(f.SourceIPs) > 0 {
			about = append(about, activity{i, f.UserID, f.FirstSeen.Add(-time.Hour), f.LastSeen.Add(24 * time.Hour), f.SourceIPs})
		}
	}
	if len(about) == 0 {
		return nil
	}
	got, err := b.ask(ctx, "finding.changes", view.Filter{Given: about})
	if err != nil {
		return err
	}
	return got.Each(func(r *kql.Row) {
		f := &findings[r.Number("Finding")]
		kind, name, at, id, ip := r.Text("Operation"), r.Text("Target"), r.Time("Time"), r.Text("Id"), r.Text("IPAddress")
		p := finding.Persistence{Kind: kind, Name: name, ID: r.Text("TargetId"), Time: at, EventIDs: []string{id}, Detail: "from " + ip}
		if n := r.Number("SignIns"); n > 0 {
			p.Detail += fmt.Sprintf("; signed in with credentials of its own %d times, last at %s: it survives the revocation of tokens", n, r.Time("LastSignIn").Format(time.RFC3339))
		}
		f.Persistence = append(f.Persistence, p)
		f.Events = append(f.Events, finding.Event{
			Table: "AuditLogs", Key: id, Time: at, File: r.Text("File"), Row: r.Number("Line"), Role: finding.Control,
			IP: ip, AppID: r.Text("AppId"), App: name,
		})
	})
}
