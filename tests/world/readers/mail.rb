# What Ruby's mail sees in messages, a line of JSON for each: its tree, and its leaves with their decoded octets.
#
# usage: ruby mail.rb FILE...
require 'base64'
require 'json'
require 'mail'

def walk(part, leaves)
  name = (part.mime_type || 'text/plain').downcase
  return "#{name}(#{part.parts.map { |child| walk(child, leaves) }.join(' ')})" unless part.parts.empty?
  leaves << [name, part.charset, Base64.strict_encode64(part.body.decoded.b)]
  name
end

ARGV.each do |path|
  leaves = []
  tree = begin
    walk(Mail.new(File.binread(path)), leaves)
  rescue StandardError
    ''
  end
  puts JSON.generate(file: path, tree: tree, leaves: leaves)
end
