package investigation

import (
	"context"
	"fmt"
	"time"

	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/view"
)

// deeds adds the rows of other tables that signals name, calls of Microsoft Graph and what was done in the mailbox, and the
// calls that carry the tokens of the attacker's sign-ins. The audit log's rows are the persistence.
func (b *builder) deeds(ctx context.Context, findings []finding.Finding, rows map[string][]signIn, his [][]bool) error {
	type row struct {
		Finding    int
		Key, Token string
	}
	var named []row
	ips := make([]set, len(findings))
	for i := range findings {
		f := &findings[i]
		ips[i] = set{}
		for _, ip := range f.SourceIPs {
			ips[i][ip] = true
		}
		for _, id := range unlisted(f) {
			named = append(named, row{Finding: i, Key: id})
		}
		for j, r := range rows[f.UserID] {
			if his[i][j] && r.token != "" && r.result == "0" {
				named = append(named, row{Finding: i, Token: r.token})
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
		// A token of an application on servers is used at those: that is no address of the attacker's.
		if r.Number("Named") > 0 {
			ips[i][ip] = true
		}
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

// unlisted are the rows that signals name and the finding does not list yet, sorted.
func unlisted(f *finding.Finding) []string {
	named := set{}
	for _, s := range f.Signals {
		for _, id := range s.EventIDs {
			named[id] = true
		}
	}
	for _, e := range f.Events {
		delete(named, e.Key)
	}
	return keys(named)
}

// persistence lists what the users' accounts changed from the attacker's addresses, what a signal names, consents at his
// time, and what the applications did. At an address that the user has, too, only what fell into the attacker's time is his.
func (b *builder) persistence(ctx context.Context, findings []finding.Finding, rows map[string][]signIn, his [][]bool) error {
	type activity struct {
		Finding           int
		UserID            string `json:"UserId"`
		From, To          time.Time
		Addresses, Shared []string
		Named             []string // ids that signals name
	}
	var about []activity
	for i := range findings {
		f := &findings[i]
		a := activity{Finding: i, UserID: f.UserID, From: f.FirstSeen, To: f.LastSeen, Named: unlisted(f)}
		own := set{}
		for j, r := range rows[f.UserID] {
			own[r.ip] = own[r.ip] || r.spot != "" && !his[i][j]
		}
		for _, ip := range f.SourceIPs {
			if own[ip] {
				a.Shared = append(a.Shared, ip)
			} else {
				a.Addresses = append(a.Addresses, ip)
			}
		}
		if len(f.SourceIPs)+len(a.Named) > 0 {
			about = append(about, a)
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
