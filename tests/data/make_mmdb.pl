#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# Makes a country database (MaxMind DB format) from lines on stdin:
#
#   make_mmdb.pl OUT iso|code|flat 4|6 [--alias] < PLACES
#
#   PREFIX CC [REGISTERED]     CC `-`: the record names no country
#   # a comment
#
# The layout is what the publishers differ in:
#   iso    {"country": {"iso_code": "CN"}, "registered_country": {"iso_code": "US"}}
#   code   {"country_code": "CN"}
#   flat   {"country": "CN"}
# REGISTERED is where the address block is registered; only `iso` has a place for it.
# --alias makes the IPv4 tree visible in 2001::/32, 2002::/16 and ::ffff:0:0/96 too.
use strict;
use warnings;

use MaxMind::DB::Writer::Tree;

my %TYPES = (
    country            => 'map',
    registered_country => 'map',
    iso_code           => 'utf8_string',
    country_code       => 'utf8_string',
);

sub usage { die "usage: make_mmdb.pl OUT iso|code|flat 4|6 [--alias] < PLACES\n" }

sub record {
    my ($layout, $country, $registered) = @_;
    my %record;
    if ($country ne '-') {
        %record =
              $layout eq 'iso'  ? (country => { iso_code => $country })
            : $layout eq 'code' ? (country_code => $country)
            :                     (country => $country);
    }
    if (defined $registered) {
        die "only the layout iso has a registered country\n" if $layout ne 'iso';
        $record{registered_country} = { iso_code => $registered };
    }
    return \%record;
}

my ($out, $layout, $version, $alias) = @ARGV;
usage() if @ARGV < 3 || @ARGV > 4 || $layout !~ /^(?:iso|code|flat)$/ || $version !~ /^[46]$/;
usage() if defined $alias && $alias ne '--alias';

my $tree = MaxMind::DB::Writer::Tree->new(
    ip_version            => $version,
    record_size           => 24,
    database_type         => "Test-Country-$layout",
    languages             => ['en'],
    description           => { en => 'Countries for tests' },
    alias_ipv6_to_ipv4    => defined $alias ? 1 : 0,
    # By default the writer silently leaves out the documentation prefixes that the tests live in.
    remove_reserved_networks => 0,
    map_key_type_callback => sub {
        # `country` is a map in one layout and a text in another.
        return $_[0] eq 'country' && $layout eq 'flat' ? 'utf8_string' : $TYPES{ $_[0] };
    },
);

while (my $line = <STDIN>) {
    $line =~ s/#.*//;
    my ($prefix, $country, $registered) = $line =~ /\S+/g;
    next unless defined $prefix;
    die "line $.: PREFIX CC [REGISTERED]\n" unless defined $country;
    $tree->insert_network($prefix, record($layout, $country, $registered));
}

open my $file, '>:raw', $out or die "$out: $!\n";
$tree->write_tree($file);
close $file or die "$out: $!\n";
